package changes_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/internal/changes"
)

func TestAChangeIsHeardHereAfterTheCommitAndElsewhereWithTheNextPoll(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	here, there := manual(t, file), manual(t, file)
	require.NoError(t, here.run.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, here.Announce(ctx, "color", "red"))
		require.NoError(t, here.Announce(ctx, "taste", "sweet"))
		require.Empty(t, here.heard.take(), "before the commit")
		require.NoError(t, there.Poll(context.Background()))
		require.Empty(t, there.heard.take(), "before the commit")
		return nil
	}))
	require.Equal(t, []string{"red"}, here.heard.take())
	require.NoError(t, there.Poll(t.Context()))
	require.Equal(t, []string{"red"}, there.heard.take())
	require.NoError(t, there.Poll(t.Context()))
	require.Empty(t, there.heard.take(), "once is enough")
}

func TestAChangeThatIsRolledBackIsNeverHeard(t *testing.T) {
	t.Parallel()
	r := manual(t, newFile(t))
	failure := errors.New("no")
	require.ErrorIs(t, r.run.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, r.Announce(ctx, "color", "red"))
		return failure
	}), failure)
	require.NoError(t, r.Poll(t.Context()))
	require.Empty(t, r.heard.take())
}

func TestARowThatCommitsBelowOneAlreadyReadIsNotMissed(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	writer, reader := manual(t, file), manual(t, file)
	writer.insert(t, 10, "ten")
	require.NoError(t, reader.Poll(t.Context()))
	require.Equal(t, []string{"ten"}, reader.heard.take())
	writer.insert(t, 5, "five")
	restarted := manual(t, file)
	require.NoError(t, reader.Poll(t.Context()))
	require.Equal(t, []string{"five"}, reader.heard.take())
	writer.insert(t, 7, "seven")
	require.NoError(t, restarted.Poll(t.Context()))
	require.Equal(t, []string{"seven"}, restarted.heard.take(), "what was there before the start is known")
}

func TestChangesAreHeardOnceInWhateverOrderTheyCommit(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	writer, reader := manual(t, file), manual(t, file)
	var base int64
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 8).Draw(t, "n")
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = base + int64(i) + 1
		}
		base += n
		var want, got []string
		for _, id := range rapid.Permutation(ids).Draw(t, "commits") {
			key := fmt.Sprint(id)
			writer.insert(t, id, key)
			want = append(want, key)
			if rapid.Bool().Draw(t, "poll") {
				require.NoError(t, reader.Poll(context.Background()))
				got = append(got, reader.heard.take()...)
			}
		}
		require.NoError(t, reader.Poll(context.Background()))
		require.ElementsMatch(t, want, append(got, reader.heard.take()...))
	})
}

func TestTheFeedReadsAgainNoFurtherThanTheOverlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReplica(t, newFile(t), changes.DefaultConfig(), zap.NewNop())
		require.NoError(t, r.Start(t.Context()))
		defer func() { require.NoError(t, r.Stop(context.Background())) }()
		r.insert(t, 10, "ten")
		time.Sleep(59 * time.Second)
		r.insert(t, 5, "five")
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"ten", "five"}, r.heard.take())
		r.insert(t, 6, "six")
		r.insert(t, 11, "eleven")
		time.Sleep(time.Second)
		require.Equal(t, []string{"eleven"}, r.heard.take(), "a transaction may not stay open for longer than the overlap")
	})
}

func TestAFeedThatCannotReadIsNotFreshAndSaysWhatMayBeMissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.InfoLevel)
		file := newFile(t)
		writer := newReplica(t, file, changes.DefaultConfig(), zap.NewNop())
		r := newReplica(t, file, changes.DefaultConfig(), zap.New(core))
		require.False(t, r.Fresh(), "before the start")
		require.NoError(t, r.Start(t.Context()))
		defer func() { require.NoError(t, r.Stop(context.Background())) }()
		require.True(t, r.Fresh())

		r.reads.broken.Store(true)
		time.Sleep(600 * time.Millisecond)
		require.True(t, r.Fresh())
		r.reads.broken.Store(false)
		time.Sleep(250 * time.Millisecond)
		require.Empty(t, r.heard.take(), "a short outage loses nothing")

		r.reads.broken.Store(true)
		time.Sleep(10 * time.Second)
		require.False(t, r.Fresh())
		require.NoError(t, writer.Announce(t.Context(), "color", "red"))
		r.reads.broken.Store(false)
		time.Sleep(500 * time.Millisecond)
		require.True(t, r.Fresh())
		require.Equal(t, []string{"red", ""}, r.heard.take())
		require.Equal(t, 4, logs.Len(), "one line when it stops, one when it goes on")
	})
}

func TestAFeedThatCannotFindItsBeginningDoesNotStart(t *testing.T) {
	t.Parallel()
	r := newReplica(t, newFile(t), changes.DefaultConfig(), zap.NewNop())
	r.reads.broken.Store(true)
	require.ErrorContains(t, r.Start(t.Context()), "find the beginning of the change feed: the database is away")
	require.NoError(t, r.Stop(t.Context()))
}

func TestSubscribingAfterTheStartIsAMistake(t *testing.T) {
	t.Parallel()
	r := manual(t, newFile(t))
	require.Panics(t, func() { r.Subscribe("late", func(string) {}) })
	require.Error(t, r.Announce(t.Context(), "color", ""), "the empty key has a meaning of its own")
}

func TestHousekeepingRemovesOldChangesAndTheirIdsStayUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := changes.DefaultConfig()
		cfg.PollInterval, cfg.StaleAfter = time.Minute, time.Hour
		r := newReplica(t, newFile(t), cfg, zap.NewNop())
		require.NoError(t, r.Start(t.Context()))
		defer func() { require.NoError(t, r.Stop(context.Background())) }()
		require.NoError(t, r.Announce(t.Context(), "color", "red"))
		time.Sleep(9 * time.Minute)
		require.NoError(t, r.Announce(t.Context(), "color", "blue"))
		removed, err := r.Tidy(t.Context())
		require.NoError(t, err)
		require.Zero(t, removed)
		time.Sleep(11 * time.Minute)
		removed, err = r.Tidy(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, removed)
		r.heard.take()

		require.NoError(t, r.db.Change.Create().SetTopic("color").SetKey("green").Exec(t.Context()))
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{"green"}, r.heard.take())
	})
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*changes.Config)
		want   string
	}{
		"the default is fine":                {func(*changes.Config) {}, ""},
		"polling all the time":               {func(c *changes.Config) { c.PollInterval = 0 }, "poll_interval must be at least 10ms"},
		"stale between two polls":            {func(c *changes.Config) { c.PollInterval = time.Second }, "stale_after must be at least twice poll_interval"},
		"no time to answer":                  {func(c *changes.Config) { c.PollTimeout = 0 }, "poll_timeout must be positive"},
		"no overlap":                         {func(c *changes.Config) { c.Overlap = 0 }, "overlap must be at least stale_after"},
		"changes removed while still wanted": {func(c *changes.Config) { c.Retention = time.Minute }, "retention must be at least four times overlap"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := changes.DefaultConfig()
			tt.change(&cfg)
			if tt.want == "" {
				require.NoError(t, cfg.Validate())
				return
			}
			require.ErrorContains(t, cfg.Validate(), tt.want)
		})
	}
}
