package jobs

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/job"
)

const (
	maxReason  = 2000             // bytes of an error that are kept
	notHere    = 15 * time.Second // between two tries of what no replica knows yet
	maxLater   = 365 * 24 * time.Hour
	lostReason = "the worker was lost"
)

// verdict is what becomes of a job after an attempt. why ended its context, if anything did.
func verdict(cfg Config, a *attempt, err, why error, now time.Time) ending {
	e := ending{id: a.ID, token: a.token, state: completed}
	if err == nil {
		return e
	}
	e.reason = reason(err)
	later, isLater := job.IsLater(err)
	switch {
	case errors.Is(why, errCanceled):
		e.state, e.reason = canceled, reason(errCanceled)
	case errors.Is(why, errGiveBack):
		e.state, e.uncounted, e.reason = queued, true, reason(errGiveBack)
	case errors.Is(why, errLost), errors.Is(err, job.ErrLost):
		e.state, e.uncounted = queued, true // the token decides whether it is written at all
	case errors.Is(err, entitlement.ErrMissing): // nobody's fault; waiting for a better plan would keep a place in the queue for nothing
		e.state = canceled
	case job.IsPermanent(err):
		e.state = failed
	case errors.Is(err, errNotHere):
		e.state, e.uncounted, e.due = retrying, true, now.Add(notHere)
	case isLater:
		e.state, e.uncounted, e.due = retrying, true, now.Add(min(max(0, later), maxLater))
	case away(err):
		e.state, e.uncounted, e.due = retrying, true, now.Add(pause(cfg, 1))
	case a.Attempt >= a.MaxAttempts:
		e.state = failed
	default:
		e.state, e.due = retrying, now.Add(pause(cfg, a.Attempt))
	}
	if e.state == retrying && !a.Deadline.IsZero() && e.due.After(a.Deadline) {
		e.state, e.uncounted, e.reason = failed, false, reason(job.ErrDeadline)+": "+e.reason
	}
	return e
}

// away tells whether the job is not to blame: the database is away.
func away(err error) bool {
	return errors.Is(err, database.ErrUnavailable) || errors.Is(err, database.ErrReadOnly) || errors.Is(err, database.ErrFull)
}

// pause grows with the attempts, and up to half of it is random, so that what failed together does not come back together.
func pause(cfg Config, attempts int) time.Duration {
	full := cfg.RetryAtMost
	if shift := attempts - 1; shift < 30 && cfg.RetryAfter<<shift > 0 {
		full = min(full, cfg.RetryAfter<<shift)
	}
	return full/2 + rand.N(full/2+1)
}

// reason is an error as the database can keep it.
func reason(err error) string {
	text := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "?"), "\x00", "?")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

// ended is why the context of an attempt has ended, as far as it was not its own time.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}
