package tx_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/tx"
)

func TestWhatWaitsForTheCommitRunsOnceInOrder(t *testing.T) {
	t.Parallel()
	ctx, hooks := tx.NewContext(t.Context())
	var ran []int
	for i := range 3 {
		tx.AfterCommit(ctx, func(got context.Context) {
			require.Equal(t, t.Context(), got)
			tx.AfterCommit(got, func(context.Context) { ran = append(ran, 10+i) }) // outside, so at once
			ran = append(ran, i)
		})
	}
	require.Empty(t, ran)
	hooks.Run(t.Context())
	require.Equal(t, []int{10, 0, 11, 1, 12, 2}, ran)
	hooks.Run(t.Context())
	require.Len(t, ran, 6)
}

func TestWithoutATransactionItRunsAtOnce(t *testing.T) {
	t.Parallel()
	ran := false
	tx.AfterCommit(t.Context(), func(context.Context) { ran = true })
	require.True(t, ran)
}

func TestSeveralGoroutinesOfATransactionMayWait(t *testing.T) {
	t.Parallel()
	ctx, hooks := tx.NewContext(t.Context())
	var all sync.WaitGroup
	ran := 0
	for range 50 {
		all.Go(func() { tx.AfterCommit(ctx, func(context.Context) { ran++ }) })
	}
	all.Wait()
	hooks.Run(t.Context())
	require.Equal(t, 50, ran)
}

func TestATransactionKeepsValues(t *testing.T) {
	t.Parallel()
	type key struct{}
	require.False(t, tx.Open(t.Context()))
	_, ok := tx.LoadOrStore(t.Context(), key{}, 1)
	require.False(t, ok)
	require.Nil(t, tx.Load(t.Context(), key{}))

	ctx, _ := tx.NewContext(t.Context())
	require.True(t, tx.Open(ctx))
	require.Nil(t, tx.Load(ctx, key{}))
	for range 2 {
		v, ok := tx.LoadOrStore(context.WithValue(ctx, key{}, "another"), key{}, new(int))
		require.True(t, ok)
		require.Same(t, v, tx.Load(ctx, key{}))
	}
}
