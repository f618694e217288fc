package quota_test

import (
	"context"
	"testing"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/quota"
	"github.com/yourorg/platform/pkg/problem"
	pkgquota "github.com/yourorg/platform/pkg/quota"
)

const byHand = "UPDATE quota_counters SET minute_used = minute_used + $3 WHERE tenant_id = $1 AND unit = $2 AND minute_used <= $4 RETURNING minute_used"

// BenchmarkConsume counts in a transaction, beside the least that it could be: one counter, updated by hand.
func BenchmarkConsume(b *testing.B) {
	bench := newBench(b)
	w := newWorld(hard(tokens, pkgquota.Minute, pkgquota.MaxAmount), hard(tokens, pkgquota.Month, pkgquota.MaxAmount), soft(tokens, pkgquota.Lifetime, pkgquota.MaxAmount))
	q, ctx := bench.replica(w), someone(b)
	require.NoError(b, q.Consume(ctx, tokens, 1))
	b.Run("by_hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			require.NoError(b, bench.Database.InTx(ctx, func(ctx context.Context) error {
				var rows entsql.Rows
				if err := bench.Database.Query(ctx, byHand, []any{of(ctx), string(tokens), 1, pkgquota.MaxAmount}, &rows); err != nil {
					return err
				}
				require.True(b, rows.Next())
				return rows.Close()
			}))
		}
	})
	b.Run("consume", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			require.NoError(b, q.Consume(ctx, tokens, 1))
		}
	})
}

// BenchmarkRequest counts in memory, with the clock of the machine and refills from the database.
func BenchmarkRequest(b *testing.B) {
	bench := newBench(b)
	real := func(p *quota.Parts) { p.Now = time.Now }
	for name, limits := range map[string][]pkgquota.Limit{
		"without_a_limit": {hard(tokens, pkgquota.Day, 1)},
		"limited":         {hard(requests, pkgquota.Hour, pkgquota.MaxAmount), hard(requests, pkgquota.Month, pkgquota.MaxAmount)},
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(limits...)
			q, ctx := bench.replica(w, real), someone(b)
			t, id := w.terms, of(ctx)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := q.Request(ctx, id, t); err != nil {
					b.Fatal(err)
				}
			}
			q.Settled()
		})
	}
	b.Run("refused", func(b *testing.B) {
		w := newWorld(hard(requests, pkgquota.Month, 0))
		q, ctx := bench.replica(w), someone(b)
		t, id := w.terms, of(ctx)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := q.Request(ctx, id, t); problem.From(err).Kind != problem.TooMany {
				b.Fatal(err)
			}
			bench.denied.all = bench.denied.all[:0]
		}
	})
}
