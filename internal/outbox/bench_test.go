package outbox_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/event"
)

const (
	benchEach    = 20   // events in one transaction
	benchWriters = 8    // transactions at once
	promised     = 5000 // events a second, on Postgres
)

// meter is a platform with a subscriber that notes how long each event took to reach it.
type meter struct {
	*rig
	handled atomic.Int64
	mu      sync.Mutex
	waited  []time.Duration
}

func newMeter(b *testing.B) *meter {
	b.Helper()
	m := &meter{rig: &rig{}}
	m.App = testapp.New(b, append(modules.All(), probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, _ made) error {
		e, _ := event.FromContext(ctx)
		m.mu.Lock()
		m.waited = append(m.waited, time.Since(e.Time))
		m.mu.Unlock()
		m.handled.Add(1)
		return nil
	}}}}), testapp.Options{Extra: []fx.Option{fx.Populate(&m.publisher)}, Log: zap.NewNop()})
	return m
}

// batch publishes some events in one transaction.
func (m *meter) batch(b *testing.B, from int) {
	events := make([]made, benchEach)
	for i := range events {
		events[i] = made{N: from + i, K: fmt.Sprint((from + i) % 100)}
	}
	m.publish(b, events...)
}

// report waits until all are handled, and tells how fast that was, and how long they took but for the first ones: while
// those are on their way, connections are opened and statements prepared.
func (m *meter) report(b *testing.B, total, first int, begun time.Time) (rate int) {
	b.Helper()
	require.Eventually(b, func() bool { return m.handled.Load() >= int64(total) }, 2*time.Minute, time.Millisecond)
	rate = int(float64(total) / time.Since(begun).Seconds())
	b.ReportMetric(float64(rate), "events/s")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waited = m.waited[first:]
	slices.Sort(m.waited)
	for name, at := range map[string]int{"p50-ms": 50, "p99-ms": 99} {
		b.ReportMetric(float64(m.waited[(len(m.waited)-1)*at/100].Microseconds())/1000, name)
	}
	return rate
}

// BenchmarkOutbox measures from the publication to a subscriber in the same process: how much gets through when the
// writers never rest; and how long an event takes when they publish at the promised rate, or at 80 % of what got through
// where that is less, whether or not the platform keeps up.
func BenchmarkOutbox(b *testing.B) {
	rate := promised
	b.Run("peak", func(b *testing.B) {
		m := newMeter(b)
		b.ResetTimer()
		const total = 40_000
		begun := time.Now()
		var next atomic.Int64
		var writing sync.WaitGroup
		for range benchWriters {
			writing.Go(func() {
				for from := next.Add(int64(benchEach)) - int64(benchEach); from < total; from = next.Add(int64(benchEach)) - int64(benchEach) {
					m.batch(b, int(from))
				}
			})
		}
		writing.Wait()
		rate = min(promised, m.report(b, total, 0, begun)*8/10/benchEach*benchEach)
	})
	b.Run("steady", func(b *testing.B) {
		m := newMeter(b)
		b.ResetTimer()
		total, begun := rate*6, time.Now()
		var writing sync.WaitGroup
		ticks := make(chan int, total)
		for range 2 * benchWriters {
			writing.Go(func() {
				for from := range ticks {
					m.batch(b, from)
				}
			})
		}
		for from := 0; from < total; from += benchEach {
			<-time.After(time.Until(begun.Add(time.Duration(from) * time.Second / time.Duration(rate))))
			ticks <- from
		}
		close(ticks)
		writing.Wait()
		m.report(b, total, rate, begun)
	})
}
