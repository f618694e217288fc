package identity

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/ratelimit"
)

// locking is a rig in which accounts lock as they do by default.
func locking(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.lockout.rules = auth.DefaultLockoutRules()
	return r
}

func (r *rig) try(t *testing.T, email, password, ip string) error {
	t.Helper()
	_, err := r.login(t.Context(), credentials{email: email, password: password, from: client{ip: ip}})
	return err
}

// wait moves all failures into the past, as if the time had gone by.
func (r *rig) wait(t *testing.T, d time.Duration) {
	t.Helper()
	for _, row := range r.client.Lockout.Query().AllX(t.Context()) {
		update := row.Update().SetLastFailedAt(row.LastFailedAt.Add(-d))
		if row.LockedUntil != nil {
			update.SetLockedUntil(row.LockedUntil.Add(-d))
		}
		update.ExecX(t.Context())
	}
}

func retryAfter(t *testing.T, err error) time.Duration {
	t.Helper()
	require.ErrorIs(t, err, identityapi.ErrLocked)
	return problem.From(err).RetryAfter
}

func TestAnAccountLocksFromTheSixthFailureOn(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]string{"an account": "ada@example.com", "no account": "nobody@example.com", "no address": "nobody"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := locking(t)
			r.mustRegister(t, "ada@example.com", "Acme")
			for range 6 {
				require.ErrorIs(t, r.try(t, email, "wrong", "192.0.2.1"), identityapi.ErrInvalidCredentials)
			}
			for _, lock := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
				for _, try := range []string{"wrong", password} {
					left := retryAfter(t, r.try(t, strings.ToUpper(email), try, "198.51.100.7"))
					require.LessOrEqual(t, left, lock*time.Second)
					require.Greater(t, left, lock*time.Second-time.Second, "knocking does not prolong it")
				}
				r.wait(t, lock*time.Second)
				require.ErrorIs(t, r.try(t, email, "wrong", "192.0.2.1"), identityapi.ErrInvalidCredentials)
			}
			require.Equal(t, 13, r.client.Lockout.Query().OnlyX(t.Context()).Failures)
			require.NotContains(t, r.client.Lockout.Query().OnlyX(t.Context()).ID, "nobody")
		})
	}
}

func TestASignInForgetsTheFailures(t *testing.T) {
	t.Parallel()
	r := locking(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	for range 3 {
		for range 5 {
			require.ErrorIs(t, r.try(t, u.Email, "wrong", "192.0.2.1"), identityapi.ErrInvalidCredentials)
		}
		require.NoError(t, r.try(t, u.Email, password, "192.0.2.1"))
		require.Zero(t, r.client.Lockout.Query().CountX(t.Context()))
	}
	for range 5 {
		require.ErrorIs(t, r.try(t, u.Email, "wrong", "192.0.2.1"), identityapi.ErrInvalidCredentials)
	}
	r.wait(t, 15*time.Minute)
	for range 5 {
		require.ErrorIs(t, r.try(t, u.Email, "wrong", "192.0.2.1"), identityapi.ErrInvalidCredentials, "old failures do not count")
	}
	require.NoError(t, r.try(t, u.Email, password, "192.0.2.1"))
}

// Whoever guesses one account from everywhere gets no more tries than from one place.
func TestGuessingFromManyAddressesIsSlowedDown(t *testing.T) {
	t.Parallel()
	r := locking(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	errs := parallel(40, func(n int) error { return r.try(t, u.Email, "wrong", fmt.Sprintf("198.51.100.%d", n)) })
	looked := 0
	for _, err := range errs {
		if errors.Is(err, identityapi.ErrInvalidCredentials) {
			looked++
			continue
		}
		require.ErrorIs(t, err, identityapi.ErrLocked)
	}
	require.Equal(t, 6, looked, "many at once are no way around it")
	retryAfter(t, r.try(t, u.Email, password, "203.0.113.1"))
}

// A stranger can lock an account for 30 seconds at the most, and not at all where its user is at home.
func TestAStrangerCannotKeepAUserOut(t *testing.T) {
	t.Parallel()
	r := locking(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	other, _ := r.mustRegister(t, "eve@example.com", "Other")
	require.NoError(t, r.try(t, u.Email, password, "192.0.2.1"))
	for range 12 {
		require.ErrorIs(t, r.try(t, u.Email, "wrong", "198.51.100.7"), identityapi.ErrInvalidCredentials)
		r.wait(t, 30*time.Second)
	}
	require.ErrorIs(t, r.try(t, u.Email, "wrong", "198.51.100.7"), identityapi.ErrInvalidCredentials)
	for range 100 { // knocking all the time
		retryAfter(t, r.try(t, u.Email, "wrong", "198.51.100.7"))
	}
	retryAfter(t, r.try(t, u.Email, password, "203.0.113.1"))
	require.NoError(t, r.try(t, other.Email, password, "198.51.100.7"), "another account")
	require.NoError(t, r.try(t, u.Email, password, "192.0.2.1"), "at home")

	for range 7 {
		_ = r.try(t, u.Email, "wrong", "198.51.100.7")
	}
	retryAfter(t, r.try(t, u.Email, password, "203.0.113.1"))
	r.wait(t, 30*time.Second)
	require.NoError(t, r.try(t, u.Email, password, "203.0.113.1"), "30 seconds later, from anywhere")

	for range 6 {
		require.ErrorIs(t, r.try(t, u.Email, "wrong", "192.0.2.1"), identityapi.ErrInvalidCredentials)
	}
	retryAfter(t, r.try(t, u.Email, password, "192.0.2.1")) // being known is no licence to guess
}

func TestAnAddressThatFailsTooOftenIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.lockout.failures.Events = 30
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	for range 60 {
		require.NoError(t, r.try(t, u.Email, password, "192.0.2.1"), "what succeeds is no failure")
	}
	for n := range 30 {
		require.ErrorIs(t, r.try(t, fmt.Sprintf("%d@example.com", n), "wrong", "192.0.2.1"), identityapi.ErrInvalidCredentials)
	}
	err := r.try(t, u.Email, password, "192.0.2.1")
	require.ErrorIs(t, err, ratelimit.ErrLimited)
	require.Positive(t, problem.From(err).RetryAfter)
	require.NoError(t, r.try(t, u.Email, password, "192.0.2.2"))
}

func TestAnAttemptThatCouldNotBeLookedAtDoesNotCount(t *testing.T) {
	t.Parallel()
	r := locking(t)
	for range 20 {
		a, err := r.lockout.begin(t.Context(), "ada@example.com", uuid.Nil, "192.0.2.1")
		require.NoError(t, err)
		require.ErrorIs(t, a.undecided(t.Context(), identityapi.ErrPasswordBusy), identityapi.ErrPasswordBusy)
	}
	require.Zero(t, r.client.Lockout.Query().OnlyX(t.Context()).Failures)
}

// Whatever the clocks do and whoever tries, the account opens within 30 seconds.
func TestNoLockIsLongerThanTheLongest(t *testing.T) {
	t.Parallel()
	rules := auth.DefaultLockoutRules()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var f failures
		for range rapid.IntRange(1, 200).Draw(t, "attempts") {
			at = at.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Minute)).Draw(t, "later")))
			next, err := f.fail(rules, at)
			if err != nil {
				wait := problem.From(err).RetryAfter
				require.Positive(t, wait)
				require.LessOrEqual(t, wait, rules.Longest)
				require.Equal(t, f, next, "being refused changes nothing")
				_, err = f.fail(rules, at.Add(wait))
				require.NoError(t, err)
				continue
			}
			require.LessOrEqual(t, next.lockedUntil.Sub(at), rules.Longest)
			f = next
		}
	})
}

func TestHousekeepingForgetsOldFailures(t *testing.T) {
	t.Parallel()
	r := locking(t)
	for n := range 7 {
		_ = r.try(t, fmt.Sprintf("%d@example.com", n), "wrong", "192.0.2.1")
	}
	sweep := newLockoutSweeper(r.lockout.store, r.lockout.rules)
	n, err := sweep.Tidy(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
	r.wait(t, 25*time.Hour)
	_ = r.try(t, "0@example.com", "wrong", "192.0.2.1")
	n, err = sweep.Tidy(t.Context())
	require.NoError(t, err)
	require.Equal(t, 6, n)
}
