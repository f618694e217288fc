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
	mu  sync.Mutex
	fns []func(context.Context)
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
