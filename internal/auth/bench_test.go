package auth

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/ratelimit"
	"github.com/yourorg/platform/pkg/auth"
)

func BenchmarkVerifyCached(b *testing.B) {
	s := newBench(b)
	token := s.issue(b, someone())
	_, err := s.Verify(b.Context(), token)
	require.NoError(b, err)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyCachedParallel(b *testing.B) {
	s := newBench(b)
	tokens := make([]string, 1000)
	for i := range tokens {
		tokens[i] = s.issue(b, someone())
	}
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Verify(ctx, tokens[i%len(tokens)]); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkVerifyUncached(b *testing.B) {
	s := newBench(b)
	token := s.issue(b, someone())
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		s.cache.InvalidateAll()
		if _, err := s.Verify(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	s := newBench(b)
	c := someone()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Generate(ctx, c); err != nil {
			b.Fatal(err)
		}
	}
}

// oneKey keeps a single key, of a tenant that is active.
type oneKey struct{ record auth.KeyRecord }

func (k oneKey) ByPrefix(context.Context, string) ([]auth.KeyRecord, error) {
	return []auth.KeyRecord{k.record}, nil
}

func (k oneKey) BySecret(context.Context, uuid.UUID) ([]auth.KeyRecord, error) {
	return []auth.KeyRecord{k.record}, nil
}
func (oneKey) Used(uuid.UUID, string) {}
func (oneKey) TenantStanding(context.Context, uuid.UUID) (auth.Standing, error) {
	return auth.SessionActive, nil
}

func (oneKey) MemberStanding(context.Context, uuid.UUID, uuid.UUID) (auth.Standing, uuid.UUID, error) {
	return auth.SessionEnded, uuid.Nil, nil
}
func (oneKey) Departed(context.Context, []uuid.UUID) ([]uuid.UUID, error) { return nil, nil }

func BenchmarkVerifyKey(b *testing.B) {
	text := auth.NewKeyText()
	hash := text.Hash()
	k := oneKey{auth.KeyRecord{ID: uuid.New(), SecretID: uuid.New(), TenantID: uuid.New(), Hash: hash[:]}}
	m, err := NewMachines(100, MachineDeps{Keys: k, Principals: k, Feed: newLocalFeed(), Limits: ratelimit.New(ratelimit.DefaultConfig())})
	require.NoError(b, err)
	b.Cleanup(m.Close)
	for name, forget := range map[string]bool{"cached": false, "uncached_without_a_database": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if forget {
					m.spelled.InvalidateAll()
				}
				if _, err := m.verify(b.Context(), string(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
