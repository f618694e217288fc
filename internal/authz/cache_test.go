package authz

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/authz"
)

func TestALoadThatBeganBeforeAnInvalidationIsNotKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	id, user := uuid.New(), uuid.New()
	ctx := as(t.Context(), id, user)

	var first atomic.Bool
	read, release := make(chan struct{}), make(chan struct{})
	rows, err := f.client.Rule.Query().All(ctx)
	require.NoError(t, err)
	require.Empty(t, rows)
	old := compile(f.vocabulary, nil) // what a slow reader has seen by now
	_, generation := f.cache.get(id)
	f.driver.before = func(context.Context) error {
		if first.CompareAndSwap(false, true) {
			close(read)
			<-release
		}
		return nil
	}
	slow := make(chan error, 1)
	go func() { slow <- f.Authorize(ctx, "blog.post.read") }()
	<-read

	require.NoError(t, f.Assign(ctx, id, user, authz.Viewer))
	require.NoError(t, f.Authorize(ctx, "blog.post.read"), "it does not share the read that began before")
	f.cache.put(id, old, generation)
	require.NoError(t, f.Authorize(ctx, "blog.post.read"), "the old state does not replace the new one")

	f.Invalidate(id)
	f.cache.put(id, old, generation)
	kept, _ := f.cache.get(id)
	require.Nil(t, kept)
	close(release)
	require.NoError(t, <-slow)
	kept, _ = f.cache.get(id)
	require.Nil(t, kept, "the slow load began two generations ago")
	require.NoError(t, f.Authorize(ctx, "blog.post.read"))
}

func TestNothingIsTakenFromTheCacheWhileTheFeedIsStale(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	feed := &announcements{}
	here, err := New(f.client, f.driver, sample, feed)
	require.NoError(t, err)
	id, user := uuid.New(), uuid.New()
	ctx := as(t.Context(), id, user)

	require.NoError(t, f.Assign(ctx, id, user, authz.Viewer))
	require.NoError(t, here.Authorize(ctx, "blog.post.read"))
	require.NoError(t, f.Unassign(ctx, id, user, authz.Viewer))
	require.NoError(t, here.Authorize(ctx, "blog.post.read"), "nobody has told it")
	feed.stale.Store(true)
	requireDenied(t, here.Authorize(ctx, "blog.post.read"))
}

func TestWhatAnotherReplicaChanged(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openSQLite(t), sample)
	here, err := New(f.client, f.driver, sample, &announcements{})
	require.NoError(t, err)
	id, user := uuid.New(), uuid.New()
	ctx := as(t.Context(), id, user)

	requireDenied(t, here.Authorize(ctx, "blog.post.read"))
	require.NoError(t, f.Assign(ctx, id, user, authz.Viewer))
	requireDenied(t, here.Authorize(ctx, "blog.post.read"))
	here.Changed(uuid.NewString())
	here.Changed(id.String())
	require.NoError(t, here.Authorize(ctx, "blog.post.read"))

	require.NoError(t, f.Unassign(ctx, id, user, authz.Viewer))
	require.NoError(t, here.Authorize(ctx, "blog.post.read"))
	here.Changed("")
	requireDenied(t, here.Authorize(ctx, "blog.post.read"))
}

func TestEveryoneSeesTheirOwnChangesUnderLoad(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, f fixture) {
		const users, rounds = 8, 12
		ids := []uuid.UUID{uuid.New(), uuid.New()}
		reader := uuid.New()
		for _, id := range ids {
			require.NoError(t, f.Assign(t.Context(), id, reader, authz.Viewer))
		}
		var group sync.WaitGroup
		stop := make(chan struct{})
		readers := make(chan error, 4)
		for i := range cap(readers) {
			group.Go(func() {
				ctx := as(t.Context(), ids[i%len(ids)], reader)
				for {
					select {
					case <-stop:
						readers <- nil
						return
					default:
						if err := f.Authorize(ctx, "blog.post.read"); err != nil {
							readers <- err
							return
						}
					}
				}
			})
		}
		var writers sync.WaitGroup
		failures := make(chan error, users*rounds*4)
		for i := range users {
			writers.Go(func() {
				id, user := ids[i%len(ids)], uuid.New()
				ctx := as(t.Context(), id, user)
				for range rounds {
					failures <- f.Assign(ctx, id, user, authz.Member)
					failures <- f.Authorize(ctx, "blog.post.create")
					failures <- f.Unassign(ctx, id, user, authz.Member)
					failures <- denialOf(f.Authorize(ctx, "blog.post.create"))
				}
			})
		}
		writers.Wait()
		close(stop)
		group.Wait()
		close(failures)
		close(readers)
		for err := range failures {
			require.NoError(t, err)
		}
		for err := range readers {
			require.NoError(t, err)
		}
	})
}

// denialOf is nil when err is a denial.
func denialOf(err error) error {
	if errors.Is(err, errDenied) {
		return nil
	}
	return fmt.Errorf("not denied: %v", err)
}

func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c cache
	held := &grants{}
	var id uuid.UUID // all of one shard
	for i := range 2 * shardTenants {
		id[0], id[1] = byte(i>>8), byte(i)
		_, generation := c.get(id)
		c.put(id, held, generation)
		kept, _ := c.get(id)
		require.Same(t, held, kept)
	}
	require.Len(t, c.shards[0].tenants, shardTenants)
}
