package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/tx"
)

// lockout slows down those who guess passwords, without keeping anybody out for long:
//
//   - The failures of an account are counted in the database, for all replicas, known or not. From a certain one on they
//     lock it, longer and longer but never beyond a limit. An attempt during a lock is refused unread and changes
//     nothing, so that knocking does not prolong it.
//   - Addresses from which the account's user has signed in are counted apart: those who guess from elsewhere, be it
//     from everywhere at once, cannot lock the user out at home.
//   - The failures from one address, to whatever accounts, are counted with Redis for all replicas, and without by each for itself.
//
// An attempt is counted before its password is looked at, so that many at once are no way around it, and taken back when
// it turns out well.
type lockout struct {
	rules    auth.LockoutRules
	tx       tx.Runner
	store    *lockouts
	sessions *sessions
	key      *serverKey
	limiter  ratelimit.Limiter
	failures ratelimit.Limit
}

func newLockout(
	rules auth.LockoutRules, run tx.Runner, store *lockouts, s *sessions, key *serverKey, limiter ratelimit.Limiter,
) *lockout {
	return &lockout{
		rules: rules, tx: run, store: store, sessions: s, key: key, limiter: limiter,
		failures: ratelimit.Limit{Name: "identity.failures", Events: rules.FailuresPerIP, Period: time.Minute},
	}
}

// attempt is one that has been counted as a failure, until it is known to be none.
type attempt struct {
	*lockout
	account string // the id of what is counted for everybody
	counted string // the id of what this attempt was counted for: the account, or the account at a known address
	source  string
}

// begin counts an attempt to sign in from an address to an account, which may have no user. It answers ErrLocked or
// ratelimit.ErrLimited, which say how long to wait, after the same work for every account.
func (l *lockout) begin(ctx context.Context, email string, user uuid.UUID, ip string) (*attempt, error) {
	a := &attempt{lockout: l, source: ratelimit.Source(ip)}
	if err := l.limiter.Allow(l.failures, a.source); err != nil {
		return nil, err
	}
	err := a.count(ctx, normalizeEmail(email), user, ip)
	if err != nil {
		l.limiter.Undo(l.failures, a.source)
		return nil, err
	}
	return a, nil
}

func (a *attempt) count(ctx context.Context, account string, user uuid.UUID, ip string) error {
	of := func(purpose, text string) (string, error) {
		id, err := a.key.derive(ctx, purpose, text)
		return hex.EncodeToString(id), err
	}
	known, err := a.sessions.knownFrom(ctx, user, ip)
	if err != nil {
		return err
	}
	everybody, err := of("lockout", account)
	if err != nil {
		return err
	}
	home, err := of("lockout at", ip+"\x00"+account)
	if err != nil {
		return err
	}
	a.account, a.counted = everybody, everybody
	if known {
		a.counted = home
	}
	return a.tx.InTx(ctx, func(ctx context.Context) error {
		before, err := a.store.forChange(ctx, a.counted)
		if err != nil {
			return err
		}
		after, err := before.fail(a.rules, now())
		if err != nil {
			return err
		}
		return a.store.update(ctx, a.counted, after)
	})
}

// succeeded forgets all failures.
func (a *attempt) succeeded(ctx context.Context) error {
	a.limiter.Undo(a.failures, a.source)
	return a.store.forget(ctx, a.account, a.counted)
}

// undecided takes the attempt back when the password could not be looked at, because of err, which it returns. A lock
// that it began goes on: it is short, and somebody else may have lengthened it.
func (a *attempt) undecided(ctx context.Context, err error) error {
	a.limiter.Undo(a.failures, a.source)
	if undo := a.store.decrement(context.WithoutCancel(ctx), a.counted); undo != nil {
		return errors.Join(err, fmt.Errorf("take an attempt back: %w", undo))
	}
	return err
}

// failures are those in a row to one account.
type failures struct {
	count       int
	lastAt      time.Time
	lockedUntil time.Time // zero when it is not
}

// fail returns what one more makes of them, or ErrLocked.
func (f failures) fail(rules auth.LockoutRules, at time.Time) (failures, error) {
	// No lock lasts longer than the longest: one that seems to was made by a clock that has been set back since.
	if wait := f.lockedUntil.Sub(at); wait > 0 && wait <= rules.Longest {
		return f, identityapi.ErrLocked.After(wait)
	}
	if at.Sub(f.lastAt) >= rules.ResetAfter {
		f.count = 0
	}
	f = failures{count: f.count + 1, lastAt: at}
	if lock := rules.Lock(f.count); lock > 0 {
		f.lockedUntil = at.Add(lock)
	}
	return f, nil
}
