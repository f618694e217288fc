package identity

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestHousekeepingRemovesWhatEndedMoreThanADayAgo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	add := func(expires time.Time, revoked *time.Time) uuid.UUID {
		s, err := newSession(u.ID, te.ID, authentication{at: now()}, client{}, time.Hour)
		require.NoError(t, err)
		s.ExpiresAt = expires
		require.NoError(t, r.sessions.insert(t.Context(), s))
		r.client.Session.UpdateOneID(s.ID).SetNillableRevokedAt(revoked).ExecX(t.Context())
		_, token, err := newRefreshToken(s.ID, expires)
		require.NoError(t, err)
		require.NoError(t, r.sessions.insertToken(t.Context(), token))
		return s.ID
	}
	long, recently, later := now().Add(-25*time.Hour), now().Add(-23*time.Hour), now().Add(time.Hour)
	add(long, nil)
	add(later, &long)
	kept := []uuid.UUID{add(recently, nil), add(later, &recently), add(later, nil)}
	_, spent, err := newRefreshToken(kept[2], long) // an old link of a session that goes on
	require.NoError(t, err)
	require.NoError(t, r.sessions.insertToken(t.Context(), spent))

	sweep := newSweeper(r.sessions)
	n, err := sweep.Tidy(t.Context())
	require.NoError(t, err)
	require.Equal(t, 5, n, "two sessions with a token each, and the spent token")
	require.ElementsMatch(t, kept, r.client.Session.Query().IDsX(t.Context()))
	require.Equal(t, 3, r.client.RefreshToken.Query().CountX(t.Context()))
	n, err = sweep.Tidy(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestHousekeepingWorksInBatches(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	require.NoError(t, r.db.InTx(t.Context(), func(ctx context.Context) error {
		for range 7 {
			s, err := newSession(u.ID, te.ID, authentication{at: now()}, client{}, -48*time.Hour)
			require.NoError(t, err)
			require.NoError(t, r.sessions.insert(ctx, s))
		}
		return nil
	}))
	for _, want := range []int{3, 3, 1, 0} {
		n, err := r.sessions.deleteEnded(t.Context(), now().Add(-keepEnded), 3)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}
