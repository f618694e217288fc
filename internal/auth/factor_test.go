package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASessionThatLacksAFactorIsToldFromOneThatDoesNot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := someone()
	token := b.issue(t, c)
	needs := func() bool {
		got, err := b.Verify(t.Context(), token)
		require.NoError(t, err)
		return got.NeedsFactor
	}
	require.False(t, needs())
	before, err := b.Verify(t.Context(), token)
	require.NoError(t, err)

	b.sessions.require(true)
	require.False(t, needs(), "nobody has said so yet")
	require.NoError(t, b.RecheckTenant(t.Context(), c.TenantID))
	require.True(t, needs())
	require.True(t, needs(), "from the cache too")
	require.False(t, before.NeedsFactor, "what a request has been given does not change under it")

	b.sessions.require(false)
	require.NoError(t, b.RecheckTenant(t.Context(), c.TenantID))
	require.False(t, needs(), "the same token, once its session has proved more")
}

func (s *knownSessions) require(factor bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.factor = factor
}
