package audit

import (
	"context"
	"sync/atomic"
)

type markKey struct{}

// Mark tells whether an operation recorded something itself, so that the platform need not do it in its place.
type Mark struct{ recorded atomic.Bool }

// NewContext returns a context in which Record sets the mark.
func NewContext(ctx context.Context) (context.Context, *Mark) {
	m := &Mark{}
	return context.WithValue(ctx, markKey{}, m), m
}

// Recorded reports whether an event was written. It says nothing about the commit: what was rolled back with its
// transaction must be recorded anew.
func (m *Mark) Recorded() bool { return m.recorded.Load() }

func mark(ctx context.Context) {
	if m, ok := ctx.Value(markKey{}).(*Mark); ok {
		m.recorded.Store(true)
	}
}
