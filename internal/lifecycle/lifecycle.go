// Package lifecycle keeps the start and the stop of a process within their time, and knows which part is to blame when
// they are not.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// StartTimeout is how long one part may take to start, unless it asks for more: see Allow.
const StartTimeout = 30 * time.Second

// Overdue is the error of a part that has not returned in time.
type Overdue struct {
	Part    string // as modules/blog.(*Blog).Start
	Allowed time.Duration
}

func (e *Overdue) Error() string {
	return fmt.Sprintf("%s did not return within %s", e.Part, e.Allowed)
}

// Failed is the error of a part that did not start.
type Failed struct {
	Part string
	Err  error
}

func (e *Failed) Error() string { return e.Part + ": " + e.Err.Error() }

func (e *Failed) Unwrap() error { return e.Err }

// Parts follows the parts of a process while they start and stop, one after the other.
type Parts struct {
	each time.Duration // what a part has to start in
	back time.Duration // what all of them have to stop in when one has failed to start

	mu       sync.Mutex
	current  string          // the part whose turn it is, or was last
	late     *time.Timer     // nil when nothing is being started
	starting context.Context // nil when no start is under way
	end      context.CancelCauseFunc
	failed   *Failed
	undo     *time.Timer // nil until a part has failed to start
}

// New returns parts each of which has so long to start. When one fails, those that have started have so long, together, to
// stop again.
func New(each, back time.Duration) *Parts { return &Parts{each: each, back: back} }

type partsKey struct{}

// Starting returns the context of a start. It ends with an *Overdue as its cause when a part takes too long, or when what
// has started does not stop in time after one has failed.
func (p *Parts) Starting(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(context.WithValue(ctx, partsKey{}, p))
	p.mu.Lock()
	p.starting, p.end, p.failed = ctx, end, nil
	p.mu.Unlock()
	return ctx, func() {
		p.mu.Lock()
		p.rest()
		if p.undo != nil {
			p.undo.Stop()
			p.undo = nil
		}
		p.starting = nil
		p.mu.Unlock()
		end(nil)
	}
}

// Start tells that a part begins to start.
func (p *Parts) Start(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest()
	if p.starting != nil {
		p.current = short(name)
		p.allow(p.each)
	}
}

// Started tells that the part whose turn it was has started, or has failed. Then the others stop, for which there is a
// time of its own: nobody would see the error before the last of them has returned.
func (p *Parts) Started(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest()
	if err == nil || p.starting == nil || p.starting.Err() != nil { // what fails because the start has ended is not to blame
		return
	}
	p.failed = &Failed{Part: p.current, Err: err}
	end := p.end
	p.undo = time.AfterFunc(p.back, func() { end(&Overdue{Part: p.Current(), Allowed: p.back}) })
}

// Why is why the last start has failed, as far as a part is to blame: the one that failed, and the one that was overdue. It
// needs the context of the start, and is nil when no part is.
func (p *Parts) Why(starting context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	overdue, late := errors.AsType[*Overdue](context.Cause(starting))
	switch {
	case p.failed != nil && late:
		return fmt.Errorf("%w; after that, %w", p.failed, overdue)
	case p.failed != nil:
		return p.failed
	case late:
		return overdue
	}
	return nil
}

// Stop tells that a part begins to stop.
func (p *Parts) Stop(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest()
	p.current = short(name)
}

// Current is the part whose turn it is, or was last.
func (p *Parts) Current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// Allow gives the part that starts with ctx so long from now on. It is for what has a timeout of its own, such as
// waiting for a database, or has every reason to take long, such as migrations.
func Allow(ctx context.Context, d time.Duration) {
	p, ok := ctx.Value(partsKey{}).(*Parts)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late != nil {
		p.allow(d)
	}
}

func (p *Parts) allow(d time.Duration) {
	p.rest()
	overdue, end := &Overdue{Part: p.current, Allowed: d}, p.end
	p.late = time.AfterFunc(d, func() { end(overdue) })
}

func (p *Parts) rest() {
	if p.late != nil {
		p.late.Stop()
		p.late = nil
	}
}

// short takes away what every name of a function has: where the sources are, and what the compiler adds.
func short(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, "()"), "-fm")
	return strings.TrimPrefix(name, "github.com/yourorg/platform/")
}
