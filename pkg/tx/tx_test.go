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
