package jobs_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testbroker"
)

// onRedis returns the settings of a platform whose jobs go through a Redis of its own.
func onRedis(t testing.TB) []string {
	t.Helper()
	return through(testbroker.Redis(t))
}

func through(b *testbroker.Broker) []string { return []string{"redis.url=redis://" + b.Addr} }

func flush(t testing.TB, b *testbroker.Broker) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: b.Addr})
	defer func() { require.NoError(t, client.Close()) }()
	require.NoError(t, client.FlushAll(t.Context()).Err())
}
