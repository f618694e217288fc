package auth_test

import (
	"regexp"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/perm"
)

func TestAKeyIsReadBackAndATypingErrorIsNot(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(auth.KeyPattern)
	seen := map[auth.KeyText]bool{}
	for range 200 {
		text := auth.NewKeyText()
		require.False(t, seen[text])
		seen[text] = true
		require.Regexp(t, form, string(text))
		parsed, ok := auth.ParseKey(string(text))
		require.True(t, ok)
		require.Equal(t, text, parsed)
		require.Equal(t, string(text[:15]), text.Prefix())
		for i := range text {
			wrong := []byte(text)
			wrong[i] = '0' + (wrong[i]+1)%10
			if string(wrong) == string(text) {
				continue
			}
			_, ok = auth.ParseKey(string(wrong))
			require.False(t, ok, "%s for %s", wrong, text)
		}
	}
	// The form is for ever: keys are out there.
	_, ok := auth.ParseKey("pk_000000000000_000000000000000000000000000000004GBCLL")
	require.True(t, ok)
}

func FuzzParseKey(f *testing.F) {
	good := string(auth.NewKeyText())
	for _, seed := range []string{"", "pk_", good, good + "x", good[1:], good[:15], "pk_\x00", "PK_" + good[3:]} {
		f.Add(seed)
	}
	form := regexp.MustCompile(auth.KeyPattern)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, ok := auth.ParseKey(text)
		if !ok {
			return
		}
		require.Regexp(t, form, text)
		require.Equal(t, text, string(parsed))
		require.Len(t, parsed.Prefix(), 15)
		hash := parsed.Hash()
		require.NotZero(t, hash)
	})
}

func TestANarrowedKeyNeverListsMore(t *testing.T) {
	t.Parallel()
	k := auth.NewKey(uuid.New(), uuid.New(), false, "b.c.d", "a.b.c")
	require.Equal(t, []perm.Permission{"a.b.c", "b.c.d"}, k.Permissions())
	require.False(t, k.Narrowed())
	narrow := k.Narrow("a.b.c", "x.y.z")
	require.True(t, narrow.Narrowed())
	require.Equal(t, []perm.Permission{"a.b.c"}, narrow.Permissions())
	require.True(t, narrow.Lists("a.b.c"))
	require.False(t, narrow.Lists("x.y.z"))
	require.Equal(t, k.ID, narrow.ID)
	require.Equal(t, k.SecretID, narrow.SecretID)
	require.Empty(t, k.Narrow().Permissions())
}
