package auth

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/audit"
)

// rotate retires the keys of b, and waits until the new one signs there.
func rotate(t *testing.T, b *bench, overlap time.Duration) Rotation {
	t.Helper()
	done, err := b.keys.Rotate(t.Context(), overlap)
	require.NoError(t, err)
	synctest.Wait()
	require.Equal(t, done.New.ID, b.keys.current.Load().signer.id)
	return done
}

func published(t *testing.T, keys *Keys) []string {
	t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	require.NoError(t, json.Unmarshal(keys.JWKS(), &set))
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, k.Kid)
	}
	return ids
}

func TestARotationOverlapsUntilTheLastTokenOfTheOldKeyHasExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		old := b.keys.current.Load().signer.id
		before := b.issue(t, someone())
		done := rotate(t, b, b.keys.Overlap())
		require.Len(t, done.Retired, 1)
		require.Equal(t, old, done.Retired[0].ID)
		require.Equal(t, b.keys.Overlap(), done.Retired[0].VerifiesUntil.Sub(done.Retired[0].RetiredAt))
		require.Equal(t, []audit.Entry{
			{Action: "auth.signing_key.rotate", Target: "auth.signing_key:" + done.New.ID.String()},
		}, b.trail.entries)
		require.Equal(t, []string{done.New.ID.String(), old.String()}, published(t, b.keys), "both during the overlap")
		listed, err := b.keys.List(t.Context())
		require.NoError(t, err)
		require.Equal(t, []KeyInfo{done.New, done.Retired[0]}, listed)

		time.Sleep(b.cfg.AccessTTL)
		_, err = b.parse(t.Context(), before)
		require.NoError(t, err, "to the end of its life")
		_, err = b.parse(t.Context(), b.issue(t, someone()))
		require.NoError(t, err)
		sweeper := newKeySweeper(b.keys.db)
		n, err := sweeper.Tidy(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "it still verifies")

		time.Sleep(2*b.cfg.ClockSkew + hearingTime)
		require.Nil(t, b.keys.current.Load().find(old))
		require.Equal(t, []string{done.New.ID.String()}, published(t, b.keys), "without another look at the table")
		time.Sleep(time.Second)
		n, err = sweeper.Tidy(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, done.New.ID, b.keys.db.SigningKey.Query().OnlyIDX(t.Context()))
		n, err = sweeper.Tidy(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "the key that signs is never erased")
	})
}

func TestAKeyThatHasBecomeKnownIsRetiredAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		stolen := b.keys.current.Load().signer
		token := b.issue(t, someone())
		done := rotate(t, b, 0)
		require.Equal(t, []string{done.New.ID.String()}, published(t, b.keys))
		_, err := b.parse(t.Context(), token)
		require.ErrorIs(t, err, ErrTokenKeyUnknown)
		require.Nil(t, b.keys.current.Load().find(stolen.id))
		_, err = b.keys.Rotate(t.Context(), -time.Second)
		require.ErrorContains(t, err, "must not be negative")
	})
}

func TestAReplicaThatCannotReadTheChangedKeysTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		feed := newLocalFeed()
		there := NewKeys(b.cfg, b.keys.db, b.keys.run, b.keys.sealer, feed, b.trail, zap.NewNop())
		require.NoError(t, there.Start(t.Context()))
		defer func() { require.NoError(t, there.Stop(context.Background())) }()
		done := rotate(t, b, time.Hour)
		require.NotEqual(t, done.New.ID, there.current.Load().signer.id, "it has not heard yet")

		b.db.broken.Store(true)
		feed.hear(TopicKeys, done.New.ID.String())
		feed.hear(TopicKeys, "") // more may have been missed
		time.Sleep(10 * time.Second)
		require.NotEqual(t, done.New.ID, there.current.Load().signer.id)
		b.db.broken.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, done.New.ID, there.current.Load().signer.id)
	})
}

func TestASessionInUseIsLookedAtAndNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		c := someone()
		token := b.issue(t, c)
		for range 300 {
			_, err := b.Verify(t.Context(), token)
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		require.Equal(t, 5, b.sessions.lookups())
		require.Equal(t, map[uuid.UUID]int{c.SessionID: 5}, b.sessions.seen)

		b.sessions.end(c.SessionID) // by itself: nobody says so
		time.Sleep(time.Minute)
		_, err := b.Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrTokenRevoked)
		require.Equal(t, 5, b.sessions.seen[c.SessionID], "who is refused was not seen")
	})
}

func TestATokenDoesNotOutliveWhatItIsFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := someone()
	c.ExpiresAt = time.Now().Add(time.Minute)
	_, expires, err := b.Generate(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, c.ExpiresAt.UTC().Truncate(time.Second), expires)
	c.ExpiresAt = time.Now().Add(time.Hour)
	_, expires, err = b.Generate(t.Context(), c)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(b.cfg.AccessTTL), expires, 2*time.Second)
}
