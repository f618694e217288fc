// Package idempotency answers a request that comes twice with one answer, and lets it have one effect.
package idempotency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/infra/database"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/secret"
)

// What whoever repeats a request may be told instead of its answer.
var (
	ErrRunning = problem.New(problem.Conflict, "idempotency.running", "A request with this Idempotency-Key is still being answered").
			After(time.Second)
	errMismatch = problem.New(problem.Invalid, "idempotency.mismatch", "This Idempotency-Key belongs to another request").
			Detailf("Send the same request again, or choose a new key.")
	errNotKept = problem.New(problem.Conflict, "idempotency.answer_not_kept", "The request has been done, and its answer was too large to keep")
)

// Answers are kept in the database, each in the transaction of the work that it is the answer to.
type Answers struct {
	cfg     Config
	db      *database.Driver
	sealer  secret.Sealer
	running running
}

// New returns answers that are kept in db.
func New(cfg Config, db *database.Driver, sealer secret.Sealer) *Answers {
	return &Answers{cfg: cfg, db: db, sealer: sealer, running: running{places: map[uuid.UUID]struct{}{}}}
}

// errBeaten rolls back the work of a request when the same one has committed meanwhile.
var errBeaten = errors.New("the same request has been answered meanwhile")

// Once does the work of r in a transaction, unless it has been done: then it returns the answer that it was given, and
// replayed. Of requests with one key, however many there are and on however many replicas, the work of one commits. An
// error rolls it back, and leaves the key free. Others are told ErrRunning while it runs.
//
// The work may run and be rolled back when the same request commits on another replica in just that moment.
func (a *Answers) Once(ctx context.Context, r *Request, work func(context.Context) (*Answer, error)) (answer *Answer, replayed bool, err error) {
	p := r.place()
	if !a.running.begin(p.id) {
		return a.repeat(ctx, r, p, ErrRunning)
	}
	defer a.running.end(p.id)
	err = a.db.InTx(ctx, func(ctx context.Context) error {
		s, err := a.look(ctx, r, p)
		switch {
		case err != nil:
			return err
		case s.sealed != nil:
			answer, err = a.open(r, p, s.sealed)
			replayed = true
			return err
		case !s.free:
			return ErrRunning
		}
		if answer, err = work(ctx); err != nil {
			return err
		}
		return a.insert(ctx, r, p, s, answer)
	})
	switch {
	case err == nil:
		return answer, replayed, nil
	case replayed || errors.Is(err, ErrRunning) || ctx.Err() != nil:
		return nil, false, err
	case beaten(err):
		return a.repeat(ctx, r, p, ErrRunning)
	}
	return a.repeat(ctx, r, p, err) // work can also fail because the same request has been done meanwhile
}

// repeat returns the answer to a request that has been done, or otherwise.
func (a *Answers) repeat(ctx context.Context, r *Request, p place, otherwise error) (*Answer, bool, error) {
	sealed, err := a.find(ctx, r, p)
	if err != nil {
		return nil, false, errors.Join(otherwise, err)
	}
	if sealed == nil {
		return nil, false, otherwise
	}
	answer, err := a.open(r, p, sealed)
	return answer, err == nil, err
}

func (a *Answers) open(r *Request, p place, sealed []byte) (*Answer, error) {
	plain, err := a.sealer.Open(sealed, purpose(p.id))
	if err != nil {
		return nil, fmt.Errorf("open the answer %s: %w", p.id, err)
	}
	k, err := decode(plain)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open the answer %s: %w", p.id, err)
	case k.Fingerprint != r.Fingerprint:
		return nil, errMismatch
	case k.TooLarge:
		return nil, errNotKept
	}
	return &Answer{Status: k.Status, Header: k.Header, Body: k.body}, nil
}

// purpose binds a sealed answer to its row.
func purpose(id uuid.UUID) string { return "idempotency.answer:" + id.String() }
