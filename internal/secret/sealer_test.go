package secret_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/pkg/config"
)

func keyOf(b byte) config.Secret {
	key := make([]byte, 32)
	key[0] = b
	return config.Secret(base64.StdEncoding.EncodeToString(key))
}

func newSealer(t *testing.T, key config.Secret) *secret.Sealer {
	t.Helper()
	s, err := secret.New(secret.Config{EncryptionKey: key}, config.Production)
	require.NoError(t, err)
	return s
}

func TestWhatIsSealedOpensOnlyUnchangedAndInItsContext(t *testing.T) {
	t.Parallel()
	s, other := newSealer(t, keyOf(1)), newSealer(t, keyOf(2))
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		context := rapid.String().Draw(t, "context")
		sealed, err := s.Seal(plain, context)
		require.NoError(t, err)

		opened, err := s.Open(sealed, context)
		require.NoError(t, err)
		require.Equal(t, string(plain), string(opened))

		_, err = s.Open(sealed, context+"x")
		require.ErrorIs(t, err, secret.ErrOpen)
		_, err = other.Open(sealed, context)
		require.ErrorIs(t, err, secret.ErrOpen)
		_, err = s.Open(sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")], context)
		require.ErrorIs(t, err, secret.ErrOpen)

		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		_, err = s.Open(sealed, context)
		require.ErrorIs(t, err, secret.ErrOpen)
	})
}

func TestSealingTwiceGivesDifferentResults(t *testing.T) {
	t.Parallel()
	s := newSealer(t, keyOf(1))
	a, err := s.Seal([]byte("same"), "same")
	require.NoError(t, err)
	b, err := s.Seal([]byte("same"), "same")
	require.NoError(t, err)
	require.NotEqual(t, a, b)
}

func TestConfigNamesABrokenKeyWithoutShowingIt(t *testing.T) {
	t.Parallel()
	short := config.Secret(base64.StdEncoding.EncodeToString([]byte("sixteen bytes ok")))
	for name, tt := range map[string]struct {
		change func(*secret.Config)
		want   string
	}{
		"the default is fine":                  {func(*secret.Config) {}, ""},
		"a key of 32 bytes is fine":            {func(c *secret.Config) { c.EncryptionKey = keyOf(1) }, ""},
		"a line end from a secret file is too": {func(c *secret.Config) { c.EncryptionKey = keyOf(1) + "\n" }, ""},
		"a key that is not base64":             {func(c *secret.Config) { c.EncryptionKey = "hunter2!" }, "encryption_key is not base64"},
		"a key of 16 bytes":                    {func(c *secret.Config) { c.EncryptionKey = short }, "encryption_key holds 16 bytes, not 32"},
		"no key file":                          {func(c *secret.Config) { c.KeyFile = "" }, "key_file must name a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := secret.DefaultConfig()
			tt.change(&cfg)
			err := cfg.Validate()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, fmt.Sprintf("%+v", err), "hunter2")
		})
	}
}
