package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/yourorg/platform/pkg/entitlement"
)

// Worker does jobs. Modules contribute it with module.Workers.
type Worker interface {
	// Handlers are the kinds of job and how each is done: see On.
	Handlers() []Handler
}

// Handler does the jobs of one kind.
type Handler struct {
	Kind    string
	Version int      // the version of the arguments that Do can read
	Options []Option // for the jobs of this kind, unless Enqueue is told otherwise
	Upcasts []Upcast // what brings older arguments up to date

	// Entitlement is what a tenant must be entitled to when its job is begun; empty asks for nothing. See Entitled.
	Entitlement entitlement.Name

	// Do runs in a context that carries the tenant, the caller, the request and the trace of whoever asked for the job,
	// and that ends when the time for the attempt is over, when the job is canceled and when it is believed to be lost.
	// Nil completes the job. An error tries it again after a pause that grows, until its attempts are used up.
	Do func(ctx context.Context, j *Job) error
}

// Upcast turns the arguments of one version into those of the next.
type Upcast struct {
	From int
	To   func(args json.RawMessage) (json.RawMessage, error)
}

// On does the jobs whose arguments are A with fn.
func On[A Args](fn func(ctx context.Context, args A) error, opts ...Option) Handler {
	var of A
	return Handler{Kind: of.Kind(), Version: of.Version(), Options: opts, Do: func(ctx context.Context, j *Job) error {
		var args A
		if err := json.Unmarshal(j.Args, &args); err != nil {
			return Permanent(ErrPayload.Wrap(fmt.Errorf("decode %s version %d: %w", j.Kind, j.Version, err)))
		}
		return fn(ctx, args)
	}}
}

// Entitled is the handler for tenants that are entitled to a feature, which is asked at the beginning of every attempt. The
// job of another tenant is canceled with entitlement.missing, and announced like a request that was refused: it is kept for a
// while, and the operator can retry it when the tenant has a better plan. A job outside of any tenant has failed.
func (h Handler) Entitled(n entitlement.Name) Handler {
	h.Entitlement = n
	return h
}

// Completer is what a job that is being done is completed with. The platform puts it into the context.
type Completer interface {
	Complete(ctx context.Context, result any) error
}

type completerKey struct{}

// WithCompleter returns a context in which Complete calls c.
func WithCompleter(ctx context.Context, c Completer) context.Context {
	return context.WithValue(ctx, completerKey{}, c)
}

// Complete marks the job in ctx as done in the transaction in ctx: what that transaction wrote and the mark commit
// together, so the effect happens once however often the job is begun. result is kept as JSON, up to 64 KiB, and shown to the
// operator; nil keeps none. It answers ErrLost when the job is no longer this worker's: return it, and the transaction is
// undone. Without Complete a job whose process is killed after its last write does it all again.
func Complete(ctx context.Context, result any) error {
	c, ok := ctx.Value(completerKey{}).(Completer)
	if !ok {
		return errors.New("complete a job: no job is being done")
	}
	return c.Complete(ctx, result)
}

// Permanent marks an error that no further try can mend: the job has failed at once.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

// IsPermanent tells whether err was marked by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanent](err)
	return ok
}

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// Later is an error that tries the job again after d without counting the attempt, such as when a provider asks for patience.
func Later(d time.Duration, why error) error { return &later{error: why, after: d} }

// IsLater returns the pause that Later has asked for.
func IsLater(err error) (time.Duration, bool) {
	l, ok := errors.AsType[*later](err)
	if !ok {
		return 0, false
	}
	return l.after, true
}

type later struct {
	error
	after time.Duration
}

func (l *later) Unwrap() error { return l.error }
