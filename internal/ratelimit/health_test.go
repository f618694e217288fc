package ratelimit

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/health"
)

func TestARedisThatIsAwayIsSaidToMeanWhatItDoes(t *testing.T) {
	t.Parallel()
	for onError, want := range map[string]string{
		onErrorMemory: "Redis does not count, and every replica keeps to its limits by itself",
		onErrorAllow:  "Redis does not count, and callers who are signed in are not limited",
		onErrorDeny:   "Redis does not count, and callers who are signed in are refused",
	} {
		t.Run(onError, func(t *testing.T) {
			t.Parallel()
			b := testbroker.Redis(t)
			core, lines := observer.New(zap.WarnLevel)
			_, tenants, s := replica(t, b, patient(), zap.New(core))
			cfg := patient()
			cfg.OnError = onError
			tenants.Set(cfg) // as a reload does
			status, err := s.Check(t.Context())
			require.NoError(t, err)
			require.Equal(t, health.Healthy, status)

			b.Kill()
			_, _ = tenants.Take(t.Context(), &Caller{Tenant: uuid.New()})
			status, err = s.Check(t.Context())
			require.Equal(t, health.Degraded, status)
			require.EqualError(t, err, want)
			require.Equal(t, want, lines.TakeAll()[0].Message)
		})
	}
	status, err := newStore(DefaultConfig()).Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, health.Healthy, status, "in memory there is nothing to miss")
}
