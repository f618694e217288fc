package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/ratelimit"
)

// keyless are machines without a module that keeps keys.
func keyless(t testing.TB, feed Feed) *Machines {
	t.Helper()
	m, err := NewMachines(100, MachineDeps{Feed: feed, Limits: ratelimit.New(ratelimit.DefaultConfig()), Log: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}
