package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
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
