package auth

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/problem"
)

// FuzzVerify looks for a second token that is accepted, and for input that gets an answer other than 401.
func FuzzVerify(f *testing.F) {
	b := newBench(f)
	good := b.issue(f, someone())
	for _, seed := range []string{
		"", ".", "..", "...", good, good + "=", good + "\n", good[:len(good)-1], "e30.e30.", "bnVsbA.bnVsbA.bnVsbA",
		"eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFZERTQSJ9.e30.AAAA", "Bearer " + good,
		b.forge(f, func(h, _ map[string]any) { h["kid"] = nil }),
		b.forge(f, func(h, _ map[string]any) { h["crit"] = []string{"b64"} }) + "A",
		b.forge(f, func(_, c map[string]any) { c["exp"] = 1e300 })[1:],
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		caller, err := b.Verify(t.Context(), token)
		if token == good {
			require.NoError(t, err)
			return
		}
		require.Nil(t, caller)
		p := problem.From(err)
		require.Equal(t, problem.Unauthenticated, p.Kind, p.Code)
	})
}
