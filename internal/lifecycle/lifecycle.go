// Package lifecycle keeps the start and the stop of a process within their time, and knows which part is to blame when
// they are not.
package lifecycle

import (
	"context"
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

// Parts follows the parts of a process while they start and stop, one after the other.
type Parts struct {
	each time.Duration // what a part has to start in

	mu      sync.Mutex
	current string                  // the part whose turn it is, or was last
	late    *time.Timer             // nil when nothing is being started
	end     context.CancelCauseFunc // ends the start
}

// New returns parts each of which has so long to start.
func New(each time.Duration) *Parts { return &Parts{each: each} }

type partsKey struct{}

// Starting returns the context of a start. It ends with an *Overdue as its cause when a part takes too long.
func (p *Parts) Starting(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(context.WithValue(ctx, partsKey{}, p))
	p.mu.Lock()
	p.end = end
	p.mu.Unlock()
	return ctx, func() {
		p.mu.Lock()
		p.rest()
		p.end = nil
		p.mu.Unlock()
		end(nil)
	}
}

// Start tells that a part begins to start, and that none does when name is empty.
func (p *Parts) Start(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest()
	if name != "" && p.end != nil {
		p.current = short(name)
		p.allow(p.each)
	}
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
