// Package tx makes several writes one.
package tx

import (
	"context"
	"sync"
)

// Runner runs fn so that all its writes happen, or none.
type Runner interface {
	// InTx passes fn a context that carries the transaction; every statement made with it joins in.
	// A nested call joins the outer transaction, and an error in it marks the outer one rollback-only.
	// The error of fn comes back as it is. A panic rolls back and goes on.
	InTx(ctx context.Context, fn func(context.Context) error) error
}

// Hooks collects what waits for the commit of one transaction.
type Hooks struct {
	mu     sync.Mutex
	fns    []func(context.Context)
	values map[any]any
}

type hooksKey struct{}

// NewContext returns a context whose AfterCommit calls are collected. Runners call it; modules do not.
func NewContext(ctx context.Context) (context.Context, *Hooks) {
	h := &Hooks{}
	return context.WithValue(ctx, hooksKey{}, h), h
}

// AfterCommit runs fn once the transaction in ctx has committed, in the order of the calls, and never when it
// rolls back. Without a transaction fn runs at once. fn gets a context without the transaction.
func AfterCommit(ctx context.Context, fn func(context.Context)) {
	h, ok := ctx.Value(hooksKey{}).(*Hooks)
	if !ok || h == nil {
		fn(ctx)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fns = append(h.fns, fn)
}

// Open tells whether ctx carries a transaction.
func Open(ctx context.Context) bool {
	h, _ := ctx.Value(hooksKey{}).(*Hooks)
	return h != nil
}

// LoadOrStore returns the value that the transaction in ctx keeps under key, which is v when there was none before. ok
// is false without a transaction. The value is gone when the transaction ends.
func LoadOrStore(ctx context.Context, key, v any) (actual any, ok bool) {
	h, _ := ctx.Value(hooksKey{}).(*Hooks)
	if h == nil {
		return nil, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if kept, found := h.values[key]; found {
		return kept, true
	}
	if h.values == nil {
		h.values = map[any]any{}
	}
	h.values[key] = v
	return v, true
}

// Load returns the value that the transaction in ctx keeps under key, or nil.
func Load(ctx context.Context, key any) any {
	h, _ := ctx.Value(hooksKey{}).(*Hooks)
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.values[key]
}

// Run calls what was collected, with a context that no longer carries a transaction.
func (h *Hooks) Run(ctx context.Context) {
	h.mu.Lock()
	fns := h.fns
	h.fns = nil
	h.mu.Unlock()
	for _, fn := range fns {
		fn(ctx)
	}
}
