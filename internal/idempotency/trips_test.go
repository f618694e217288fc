package idempotency_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/idempotency"
	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/tenant"
)

// plain seals nothing.
type plain struct{}

func (plain) Seal(b []byte, _ string) ([]byte, error) { return b, nil }
func (plain) Open(b []byte, _ string) ([]byte, error) { return b, nil }

// counted stands between the driver and Postgres, and counts what is sent: a flight is what one write of the driver sends,
// and it waits for the answer before the next.
func counted(t testing.TB, address string) (through string, flights *atomic.Int64) {
	t.Helper()
	server, err := url.Parse(address)
	require.NoError(t, err)
	upstream := server.Host
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	flights = &atomic.Int64{}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			up, err := new(net.Dialer).DialContext(context.Background(), "tcp", upstream)
			if err != nil {
				_ = client.Close()
				return
			}
			go func() { _, _ = io.Copy(client, up); _ = client.Close() }()
			go func() {
				defer func() { _ = up.Close() }()
				b := make([]byte, 1<<16)
				for {
					n, err := client.Read(b)
					if err != nil {
						return
					}
					flights.Add(1)
					if _, err := up.Write(b[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	server.Host = listener.Addr().String()
	return server.String(), flights
}

func TestAKeyCostsOneRoundTrip(t *testing.T) {
	t.Parallel()
	without, with := flightsOfTen(t)
	require.EqualValues(t, 30, without, "begin, the work, commit")
	require.EqualValues(t, 40, with)
}

// BenchmarkTrips measures no time: it tells make bench what the test requires.
func BenchmarkTrips(b *testing.B) {
	without, with := flightsOfTen(b)
	for b.Loop() { // there has to be one
	}
	b.ReportMetric(float64(without)/10, "plain-trips/op")
	b.ReportMetric(float64(with)/10, "keyed-trips/op")
}

// flightsOfTen is what ten pieces of work send to Postgres, without and with a key.
func flightsOfTen(t testing.TB) (without, with int64) {
	t.Helper()
	if !testapp.Postgres() {
		t.Skip("SQLite has none")
	}
	through, flights := counted(t, testapp.FreshDatabase(t, modules.All()))
	cfg := database.DefaultConfig()
	cfg.URL = config.URL(through)
	db, err := database.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Connect(t.Context()))
	ctx := tenant.NewContext(t.Context(), uuid.New())
	id, _ := tenant.FromContext(ctx)
	answers := idempotency.New(idempotency.DefaultConfig(), db, plain{})
	work := func(ctx context.Context) error { return db.Exec(ctx, "SELECT $1::text", []any{"work"}, nil) }
	plain := func() { require.NoError(t, db.InTx(ctx, work)) }
	n := 0
	keyed := func() {
		n++
		r := &idempotency.Request{Tenant: id, Caller: "user", Key: fmt.Sprint(n)}
		_, replayed, err := answers.Once(ctx, r, func(ctx context.Context) (*idempotency.Answer, error) {
			return &idempotency.Answer{Status: http.StatusCreated, Body: []byte("made")}, work(ctx)
		})
		require.NoError(t, err)
		require.False(t, replayed)
	}
	cost := func(do func()) int64 {
		do() // which prepares the statements
		before := flights.Load()
		for range 10 {
			do()
		}
		return flights.Load() - before
	}
	return cost(plain), cost(keyed)
}
