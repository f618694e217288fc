package identity

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
)

func TestASessionEndsByItself(t *testing.T) {
	t.Parallel()
	rules := auth.DefaultSessionRules()
	tests := map[string]struct {
		created, seen time.Duration // ago
		alive         bool
	}{
		"it is used now and then": {rules.SessionAbsolute - time.Hour, rules.SessionIdle - time.Hour, true},
		"it was idle too long":    {rules.SessionIdle + time.Hour, rules.SessionIdle + 3*seenEvery, false},
		"it is too old":           {rules.SessionAbsolute + time.Second, 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			u, te := r.mustRegister(t, "ada@example.com", "Acme")
			s, err := newSession(u.ID, te.ID, authentication{at: now()}, client{}, time.Hour)
			require.NoError(t, err)
			s.CreatedAt = now().Add(-test.created)
			require.NoError(t, r.sessions.insert(t.Context(), s))
			r.client.Session.UpdateOneID(s.ID).SetLastSeenAt(now().Add(-test.seen)).ExecX(t.Context())
			secret, token, err := newRefreshToken(s.ID, now().Add(time.Hour))
			require.NoError(t, err)
			require.NoError(t, r.sessions.insertToken(t.Context(), token))

			require.Equal(t, test.alive, r.active(t, s.ID))
			list, err := r.mySessions(t.Context(), &auth.Caller{UserID: u.ID}, uuid.Nil, 10)
			require.NoError(t, err)
			require.Equal(t, test.alive, len(list) == 1)
			_, err = r.refresh(t.Context(), offer{secret: secret})
			if test.alive {
				require.NoError(t, err)
				require.True(t, r.active(t, s.ID))
				return
			}
			require.ErrorIs(t, err, identityapi.ErrRefreshInvalid)
		})
	}
}

func TestSessionsAreNotedInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var written [][]uuid.UUID
		broken := true
		s := newSeen(func(_ context.Context, ids []uuid.UUID, _ time.Time) error {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				return errors.New("the database is away")
			}
			written = append(written, ids)
			return nil
		})
		soFar := func() [][]uuid.UUID {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(written)
		}
		require.NoError(t, s.start(t.Context()))
		one, two := uuid.New(), uuid.New()
		s.add(one)
		time.Sleep(2 * time.Second)
		require.Empty(t, soFar(), "an error is no reason to stop")
		mu.Lock()
		broken = false
		mu.Unlock()
		for range 1000 {
			s.add(one)
		}
		s.add(two)
		require.Empty(t, soFar(), "not at once")
		time.Sleep(2 * time.Second)
		require.Len(t, soFar(), 1, "gathered")
		require.ElementsMatch(t, []uuid.UUID{one, two}, soFar()[0])
		s.add(two)
		require.NoError(t, s.stop(t.Context()))
		require.Equal(t, []uuid.UUID{two}, soFar()[1], "what waits is written at the end")
	})
}

func TestASessionIsNotedAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	session := r.session(t, r.mustLogin(t, u.Email))
	seenAt := func() time.Time { return r.client.Session.GetX(t.Context(), session).LastSeenAt.UTC() }
	first := seenAt()
	require.NoError(t, r.sessions.touch(t.Context(), []uuid.UUID{session}, first.Add(59*time.Second)))
	require.Equal(t, first, seenAt())
	require.NoError(t, r.sessions.touch(t.Context(), []uuid.UUID{session}, first.Add(time.Minute)))
	require.Equal(t, first.Add(time.Minute), seenAt())
	require.NoError(t, r.sessions.touch(t.Context(), []uuid.UUID{session}, first), "a clock that is behind")
	require.Equal(t, first.Add(time.Minute), seenAt())
}

func TestTheSuccessorOfATokenIsTheSameWhileItIsUnused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	first := r.mustLogin(t, u.Email)
	second, err := r.refresh(t.Context(), offer{secret: first.Refresh})
	require.NoError(t, err)
	require.Len(t, second.Refresh, 43)
	for range 3 {
		again, err := r.refresh(t.Context(), offer{secret: first.Refresh})
		require.NoError(t, err)
		require.Equal(t, second.Refresh, again.Refresh)
		require.NotEmpty(t, again.Access)
	}
	require.Equal(t, 2, r.client.RefreshToken.Query().CountX(t.Context()), "nothing is granted twice")
	third, err := r.refresh(t.Context(), offer{secret: second.Refresh})
	require.NoError(t, err)
	again, err := r.refresh(t.Context(), offer{secret: first.Refresh})
	require.NoError(t, err)
	require.Equal(t, second.Refresh, again.Refresh, "whoever is behind still gets there")
	again, err = r.refresh(t.Context(), offer{secret: again.Refresh})
	require.NoError(t, err)
	require.Equal(t, third.Refresh, again.Refresh)
	require.Equal(t, 3, r.client.RefreshToken.Query().CountX(t.Context()), "nothing is granted twice")
	r.pastGrace(t)
	_, err = r.refresh(t.Context(), offer{secret: first.Refresh})
	require.ErrorIs(t, err, identityapi.ErrRefreshReused)
	require.False(t, r.active(t, r.session(t, first)))
}

func TestTheGraceEndsWithTheSession(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, te := r.mustRegister(t, "ada@example.com", "Acme")
	tokens := r.mustLogin(t, u.Email)
	_, err := r.refresh(t.Context(), offer{secret: tokens.Refresh})
	require.NoError(t, err)
	require.NoError(t, r.logout(t.Context(), &auth.Caller{UserID: u.ID, TenantID: te.ID, SessionID: r.session(t, tokens)}))
	_, err = r.refresh(t.Context(), offer{secret: tokens.Refresh})
	require.ErrorIs(t, err, identityapi.ErrRefreshInvalid)
	require.NotContains(t, r.letters.kinds(u.Email), "identity.refresh_reused", "a request that was late is no theft")
}

func TestTheUserIsToldOnceOfAReusedToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	tokens, err := r.login(t.Context(), credentials{
		email: u.Email, password: password, from: client{
			ip: "192.0.2.1", userAgent: "Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0\r\n\r\nClick https://evil.example",
		},
	})
	require.NoError(t, err)
	_, err = r.refresh(t.Context(), offer{secret: tokens.Refresh})
	require.NoError(t, err)
	r.pastGrace(t)
	for range 3 {
		_, err = r.refresh(t.Context(), offer{secret: tokens.Refresh})
		require.ErrorIs(t, err, identityapi.ErrRefreshReused)
	}
	warnings := slices.DeleteFunc(r.letters.all, func(m letter) bool { return m.Template != "identity.refresh_reused" })
	require.Len(t, warnings, 1)
	require.Equal(t, u.Email, warnings[0].To)
	require.Contains(t, warnings[0].Text, "Firefox on Windows")
	require.NotContains(t, warnings[0].Text, "evil")
	require.NotContains(t, warnings[0].Text, tokens.Refresh)
}

func TestReplicasDeriveTheSameAndOthersNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	keys := make([]*serverKey, 8)
	derived := make([]string, len(keys))
	for i := range keys {
		keys[i] = newServerKey(newServerKeys(r.client), newTestSealer(t, 1))
	}
	for _, err := range parallel(len(keys), func(n int) error {
		d, err := keys[n].derive(t.Context(), "a", "b")
		derived[n] = base64.RawURLEncoding.EncodeToString(d)
		return err
	}) {
		require.NoError(t, err)
	}
	slices.Sort(derived)
	require.Len(t, slices.Compact(derived), 1)
	other, err := keys[0].derive(t.Context(), "b", "b")
	require.NoError(t, err)
	require.NotEqual(t, derived[0], base64.RawURLEncoding.EncodeToString(other), "another purpose")

	_, err = newServerKey(newServerKeys(r.client), newTestSealer(t, 2)).Seed(t.Context())
	require.ErrorContains(t, err, "cannot be opened with the current security.encryption_key")
	notice, err := newServerKey(newServerKeys(r.client), newTestSealer(t, 1)).Seed(t.Context())
	require.NoError(t, err)
	require.Empty(t, notice)
}
