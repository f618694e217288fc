package breached

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommonPasswordsAreKnown(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]bool{
		"12345678":                     true,
		"password":                     true,
		"PassWord1":                    true,
		" iloveyou ":                   true,
		"qwertyuiop":                   true,
		"electricity":                  true,
		"correct horse battery staple": false,
		"v8Kd-22pq-Zz":                 false,
		"":                             false,
		"\n":                           false,
		"password\npassword1":          false,
		"asswor":                       false,
	} {
		require.Equal(t, want, Contains(password), "%q", password)
	}
}

func TestTheListIsWhatItsDescriptionSays(t *testing.T) {
	t.Parallel()
	entries := strings.Split(strings.Trim(list(), "\n"), "\n")
	require.Greater(t, len(entries), 10_000)
	require.True(t, slices.IsSorted(entries))
	require.Len(t, slices.Compact(slices.Clone(entries)), len(entries))
	for _, entry := range entries {
		require.GreaterOrEqual(t, len(entry), 8)
		require.Equal(t, strings.ToLower(strings.TrimSpace(entry)), entry)
	}
}
