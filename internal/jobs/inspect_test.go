package jobs_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/job"
)

func TestManyJobsAreChosenByAFilter(t *testing.T) {
	t.Parallel()
	r := newRig(t, does(func(context.Context, work) error { return job.Permanent(errors.New("no")) }))
	var all []uuid.UUID
	for n := range 5 {
		all = append(all, r.enqueue(t, work{N: n}))
	}
	later := r.enqueue(t, work{}, job.In(time.Hour))
	require.Eventually(t, func() bool {
		list, err := r.inspector.Jobs(t.Context(), job.Filter{States: []string{job.Failed}, Limit: 10})
		require.NoError(t, err)
		return len(list) == 5
	}, patience, 5*time.Millisecond)
	list, err := r.inspector.Jobs(t.Context(), job.Filter{Limit: 3, Tenant: r.tenant, Kind: "probe.work", Queue: "default", From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.Equal(t, later, list[0].ID)
	require.Nil(t, list[0].Args)
	list, err = r.inspector.Jobs(t.Context(), job.Filter{Limit: 10, Before: list[2].ID})
	require.NoError(t, err)
	var ids []uuid.UUID
	for _, j := range slices.Backward(list) {
		ids = append(ids, j.ID)
	}
	require.Equal(t, all[:3], ids)
	_, err = r.inspector.Jobs(t.Context(), job.Filter{States: []string{"sleeping"}})
	require.ErrorIs(t, err, job.ErrFilter)

	n, err := r.inspector.Apply(t.Context(), job.Delete, job.Filter{States: []string{job.Failed}, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = r.inspector.Apply(t.Context(), job.Cancel, job.Filter{Limit: 100})
	require.NoError(t, err)
	require.Equal(t, 1, n, "only the one that waits")
	n, err = r.inspector.Apply(t.Context(), job.Retry, job.Filter{States: []string{job.Canceled}, Limit: 100})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	r.becomes(t, later, job.Failed)
	_, err = r.inspector.Apply(t.Context(), "explode", job.Filter{Limit: 1})
	require.ErrorIs(t, err, job.ErrFilter)
}
