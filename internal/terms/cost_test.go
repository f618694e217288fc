package terms_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	pkgterms "github.com/yourorg/platform/pkg/terms"
)

// memoryOf asks for the terms of tenants for which nothing is set, and returns how much memory the book keeps for them.
func memoryOf(t testing.TB, book *terms.Book, tenants int) uint64 {
	t.Helper()
	ids := make([]uuid.UUID, tenants)
	for i := range ids {
		ids[i] = uuid.New()
	}
	before := heap()
	for _, id := range ids {
		_, err := book.Of(context.Background(), id)
		require.NoError(t, err)
	}
	after := heap()
	runtime.KeepAlive(ids)
	return max(after, before) - before
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkTheMemoryOfTenThousandTenants(b *testing.B) {
	r := newRig(b, "")
	for b.Loop() {
		b.ReportMetric(float64(memoryOf(b, r.book, 10_000))/(1<<20), "MB")
	}
}

func BenchmarkTheTermsOfATenantFromMemory(b *testing.B) {
	r := newRig(b, "")
	ctx := r.ctx()
	r.of(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.book.Of(ctx, r.id); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAQuestionAboutATenant(b *testing.B) {
	r := newRig(b, "")
	ctx := r.ctx()
	_, err := r.book.SetPolicies(ctx, r.id, pkgterms.Policies{Allow: map[policy.Kind][]string{models: {"a", "b", "gpt-*"}}}, nil)
	require.NoError(b, err)
	require.Eventually(b, func() bool { return r.book.Allowed(ctx, models, "gpt-4") == nil }, patience, tick)
	for name, ask := range map[string]func() error{
		"Check":   func() error { return r.book.Check(ctx, export) },
		"Allowed": func() error { return r.book.Allowed(ctx, models, "gpt-4") },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAnAnswerFromMemoryTakesNone(t *testing.T) {
	r := newRig(t, "")
	ctx := r.ctx()
	r.of(t)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if err := r.book.Check(ctx, gifts); err != nil {
			panic(fmt.Sprint(err))
		}
	}))
	require.ErrorIs(t, r.book.Check(ctx, entitlement.Name("shop.unheard")), entitlement.ErrMissing)
}
