package auth

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/changes"
	changesent "github.com/yourorg/platform/internal/changes/ent"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
)

func TestARememberedTokenEndsWithItsSession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c, other := someone(), someone()
	token, second, unrelated := b.issue(t, c), b.issue(t, c), b.issue(t, other)
	for _, token := range []string{token, unrelated} {
		_, err := b.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	b.sessions.end(c.SessionID)
	require.NoError(t, b.RevokeSession(t.Context(), c.SessionID))
	require.Error(t, b.RevokeSession(t.Context(), uuid.Nil))
	b.sessions.lookups()
	for range 2 {
		_, err := b.Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrTokenRevoked)
	}
	require.Zero(t, b.sessions.lookups())
	_, err := b.Verify(t.Context(), second)
	require.ErrorIs(t, err, ErrTokenRevoked, "a token of the session that was not remembered")
	_, err = b.Verify(t.Context(), unrelated)
	require.NoError(t, err)
}

func TestASessionThatEndsWhileItIsLookedUpIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := someone()
	token := b.issue(t, c)
	b.sessions.during = func() { b.feed.hear(TopicSession, c.SessionID.String()) }
	_, err := b.Verify(t.Context(), token)
	require.ErrorIs(t, err, ErrTokenRevoked)
	require.Zero(t, b.cache.EstimatedSize())
}

func TestDoubtThatComesWhileASessionIsLookedUpCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	token := b.issue(t, someone())
	b.sessions.during = func() { b.feed.hear(TopicTenant, uuid.NewString()) }
	_, err := b.Verify(t.Context(), token)
	require.NoError(t, err)
	b.sessions.during = nil
	b.sessions.lookups()
	for range 3 {
		_, err = b.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	require.Equal(t, 1, b.sessions.lookups(), "once more, then it is remembered")
}

func TestNewsAboutAllSessionsHasEachOneCheckedAgain(t *testing.T) {
	t.Parallel()
	for name, news := range map[string]struct{ topic, key string }{
		"changes may have been missed":     {TopicSession, ""},
		"an id that cannot be read":        {TopicSession, "what?"},
		"a tenant has changed":             {TopicTenant, uuid.NewString()},
		"a user has changed":               {TopicUser, uuid.NewString()},
		"changes of tenants may be missed": {TopicTenant, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			c, other := someone(), someone()
			ended, good := b.issue(t, c), b.issue(t, other)
			for _, token := range []string{ended, good} {
				_, err := b.Verify(t.Context(), token)
				require.NoError(t, err)
			}
			b.sessions.end(c.SessionID)
			b.feed.hear(news.topic, news.key)
			_, err := b.Verify(t.Context(), ended)
			require.ErrorIs(t, err, ErrTokenRevoked)
			_, err = b.Verify(t.Context(), good)
			require.NoError(t, err)
		})
	}
}

func TestWithoutNewsTheDatabaseIsAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := someone()
	token := b.issue(t, c)
	_, err := b.Verify(t.Context(), token)
	require.NoError(t, err)

	b.feed.stale.Store(true)
	b.sessions.lookups()
	for range 2 {
		_, err = b.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	require.Equal(t, 2, b.sessions.lookups(), "every time")

	b.sessions.err = errors.New("the database is away")
	_, err = b.Verify(t.Context(), token)
	require.ErrorIs(t, err, ErrUnavailable)
	p := problem.From(err)
	require.Equal(t, problem.Unavailable, p.Kind)
	require.Equal(t, time.Second, p.RetryAfter)
	_, err = b.Verify(t.Context(), b.issue(t, someone()))
	require.ErrorIs(t, err, ErrUnavailable, "a token that is not remembered")

	b.sessions.err = nil
	b.sessions.end(c.SessionID)
	_, err = b.Verify(t.Context(), token)
	require.ErrorIs(t, err, ErrTokenRevoked)
}

func TestMoreRevocationsThanCanBeRememberedForgetNoneOfThem(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *Config) { c.CacheSize = 3 })
	callers := []string{}
	for range 10 {
		c := someone()
		token := b.issue(t, c)
		_, err := b.Verify(t.Context(), token)
		require.NoError(t, err)
		b.sessions.end(c.SessionID)
		require.NoError(t, b.RevokeSession(t.Context(), c.SessionID))
		callers = append(callers, token)
		require.LessOrEqual(t, len(b.revoked.queue), 3)
		for _, token := range callers {
			_, err := b.Verify(t.Context(), token)
			require.ErrorIs(t, err, ErrTokenRevoked)
		}
	}
}

func TestRevocationsAreForgottenWhenTheirTokensHaveExpired(t *testing.T) {
	t.Parallel()
	r := newRevocations(time.Minute, 10)
	start := time.Now()
	first, second := uuid.New(), uuid.New()
	never := func() { t.Error("there is room") }
	r.add(first, start, never)
	r.add(first, start.Add(30*time.Second), never)
	r.add(second, start.Add(time.Minute), never)
	require.True(t, r.has(first))
	require.Len(t, r.queue, 2)
	r.add(uuid.New(), start.Add(61*time.Second), never)
	require.False(t, r.has(first))
	require.True(t, r.has(second))
	require.Len(t, r.queue, 2)
}

func TestARevocationReachesAnotherReplicaThroughTheDatabase(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	log := module.MigrationSet{Owner: "changes", Files: os.DirFS("../changes/migrations")}
	sessions := &knownSessions{ended: map[uuid.UUID]bool{}}
	replica := func() (*Tokens, *changes.Feed, func(context.Context, func(context.Context) error) error) {
		d := openDatabase(t, file, log)
		keys, _ := newKeys(t, file)
		require.NoError(t, keys.Start(t.Context()))
		cfg := changes.DefaultConfig()
		cfg.PollInterval, cfg.StaleAfter = 1<<60, 1<<60 // the test polls
		feed := changes.New(cfg, changesent.NewClient(changesent.Driver(d)), zap.NewNop())
		tokens, err := New(DefaultConfig(), keys, sessions, feed, keyless(t, feed))
		require.NoError(t, err)
		t.Cleanup(tokens.Close)
		require.NoError(t, feed.Start(t.Context()))
		t.Cleanup(func() { require.NoError(t, feed.Stop(context.Background())) })
		return tokens, feed, d.InTx
	}
	here, _, inTx := replica()
	there, feed, _ := replica()
	c := someone()
	token, _, err := here.Generate(t.Context(), c)
	require.NoError(t, err)
	for _, tokens := range []*Tokens{here, there} {
		_, err = tokens.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	require.NoError(t, inTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, here.RevokeSession(ctx, c.SessionID))
		_, err := here.Verify(context.Background(), token)
		require.NoError(t, err, "before the commit")
		return nil
	}))
	_, err = here.Verify(t.Context(), token)
	require.ErrorIs(t, err, ErrTokenRevoked)
	require.NoError(t, feed.Poll(t.Context()))
	_, err = there.Verify(t.Context(), token)
	require.ErrorIs(t, err, ErrTokenRevoked)
}
