package identity

import (
	"encoding/base32"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTheCodesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	secret := []byte(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))
	// RFC 6238, appendix B, the last six of its eight digits.
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		mark, ok, err := totpKind{}.verify(secret, 0, code, time.Unix(at, 0))
		require.NoError(t, err)
		require.True(t, ok, at)
		require.Equal(t, at/30, mark)
	}
	_, _, err := totpKind{}.verify([]byte("no base32!"), 0, "000000", time.Unix(59, 0))
	require.Error(t, err)
}

func TestACodeCountsInItsWindowAndNotTwice(t *testing.T) {
	t.Parallel()
	_, shown, err := totpKind{issuer: "Platform"}.enrol(User{Email: "ada@example.com"})
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		skew := rapid.Int64Range(0, 2).Draw(t, "skew")
		now := rapid.Int64Range(1_000_000, 4_000_000_000).Draw(t, "now")
		off := rapid.Int64Range(-4, 4).Draw(t, "steps off")
		present := now / totpStep
		last := present + rapid.Int64Range(-6, 6).Draw(t, "last mark")
		code, err := totp.GenerateCode(shown.secret, time.Unix((present+off)*totpStep, 0))
		require.NoError(t, err)
		mark, ok, err := totpKind{skew: skew}.verify([]byte(shown.secret), last, code, time.Unix(now, 0))
		require.NoError(t, err)
		if !ok {
			require.False(t, max(off, -off) <= skew && present+off > last)
			return
		}
		require.Greater(t, mark, last)
		require.LessOrEqual(t, max(mark-present, present-mark), skew)
		again, err := totp.GenerateCode(shown.secret, time.Unix(mark*totpStep, 0))
		require.NoError(t, err)
		require.Equal(t, code, again, "it is the code of the step that it is marked with")
		_, ok, err = totpKind{}.verify([]byte(shown.secret), mark, code, time.Unix(mark*totpStep, 0))
		require.NoError(t, err)
		require.False(t, ok, "not twice")
	})
}

func TestEveryWayToTypeACodeIsOne(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"123456": "123456", " 123 456 ": "123456", "123-456": "123456", "abcde-fgh23": "ABCDEFGH23", "ABCDE\u2013FGH23": "ABCDEFGH23",
	} {
		require.Equal(t, want, normalizeCode(typed))
	}
	require.True(t, oneTime("123456"))
	require.True(t, recovery("ABCDEFGH23"))
	for _, neither := range []string{"", "12345", "1234567", "١٢٣٤٥٦", "ABCDEFGH12", "ABCDEFGH2", "ABCDEFGH234"} {
		require.False(t, oneTime(neither) || recovery(neither), neither)
	}
}

func FuzzNormalizeCode(f *testing.F) {
	for _, seed := range []string{"123456", "abcde-fgh23", "\xff\xfe", "１２３４５６", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code := normalizeCode(typed)
		require.Equal(t, code, normalizeCode(code), "it is settled at once")
		require.False(t, oneTime(code) && recovery(code))
		require.NotContains(t, code, "-")
		require.NotContains(t, code, " ")
	})
}
