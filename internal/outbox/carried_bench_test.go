package outbox_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/modules"
)

// BenchmarkCarried measures how fast a backlog of 2,000 events with 200 keys, of one commit, gets through each broker to
// a subscriber that writes a row for each of them.
func BenchmarkCarried(b *testing.B) {
	const backlog, keys = 2000, 200
	for _, name := range []string{"inprocess", "nats", "redis", "kafka"} {
		b.Run(name, func(b *testing.B) {
			var set []string
			if start := testbroker.All[name]; start != nil {
				set = start(b).Settings
			}
			var handled atomic.Int64
			r := &rig{tenant: uuid.New()}
			r.App = testapp.New(b, append(modules.All(), probe{subscribers: []*reacts{{"probe.listener", func(ctx context.Context, m made) error {
				handled.Add(1)
				return r.effect(ctx, m)
			}}}}), testapp.Options{Set: set, Extra: []fx.Option{fx.Populate(&r.publisher)}, Log: zap.NewNop()})
			r.makeEffects(b)
			all := make([]made, backlog)
			for n := range all {
				all[n] = made{N: n, K: fmt.Sprint(n % keys)}
			}
			total := 0
			through := func(events []made) {
				total += len(events)
				r.publish(b, events...)
				require.Eventually(b, func() bool { return handled.Load() >= int64(total) }, 10*time.Minute, time.Millisecond)
			}
			through(all[:100]) // connections are opened, and statements prepared
			for b.Loop() {
				through(all)
			}
			b.ReportMetric(float64(backlog*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
