package database_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/health"
)

// stand listens like a Postgres would and treats every connection with serve.
func stand(t *testing.T, serve func(net.Conn)) (addr string, connections *atomic.Int64) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	connections = &atomic.Int64{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			serve(conn)
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, ln.Close())
		<-done
	})
	return ln.Addr().String(), connections
}

func away(t *testing.T, addr string, timeout time.Duration) *database.Driver {
	t.Helper()
	cfg := database.DefaultConfig()
	cfg.URL = config.URL("postgres://platform:hunter2@" + addr + "/platform?sslmode=disable")
	cfg.ConnectTimeout = timeout
	d, err := database.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func TestAPostgresThatIsAwayIsTriedAgainAndThenNamed(t *testing.T) {
	t.Parallel()
	addr, connections := stand(t, func(c net.Conn) { _ = c.Close() })
	err := away(t, addr, time.Second).Connect(t.Context())
	require.ErrorContains(t, err, "postgres://platform:xxxxx@"+addr+"/platform")
	require.ErrorContains(t, err, "did not answer within 1s")
	require.NotContains(t, err.Error(), "hunter2")
	require.Greater(t, connections.Load(), int64(1), "it was tried again")
}

func TestAPostgresThatNeverAnswersIsGivenUpInTime(t *testing.T) {
	t.Parallel()
	held := make(chan net.Conn, 8)
	addr, _ := stand(t, func(c net.Conn) { held <- c })
	began := time.Now()
	err := away(t, addr, 200*time.Millisecond).Connect(t.Context())
	require.ErrorContains(t, err, "did not answer within 200ms")
	require.NotContains(t, err.Error(), "hunter2")
	require.Less(t, time.Since(began), 5*time.Second)
	for len(held) > 0 {
		_ = (<-held).Close()
	}
}

func TestAnUnreachableDatabaseIsUnhealthy(t *testing.T) {
	t.Parallel()
	addr, _ := stand(t, func(c net.Conn) { _ = c.Close() })
	status, err := away(t, addr, time.Second).Check(t.Context())
	require.Equal(t, health.Unhealthy, status)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")

	err = away(t, addr, time.Second).Exec(t.Context(), "SELECT 1", []any{}, nil)
	require.ErrorIs(t, err, database.ErrUnavailable)
}

func TestARunningDatabaseIsHealthyAndCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, err := b.Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, health.Healthy, status)
	require.Equal(t, "database", b.Name())
	open := 0
	for _, s := range b.Pools() {
		open += s.OpenConnections
	}
	require.Positive(t, open)
}
