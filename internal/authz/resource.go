package authz

import (
	"context"
	"sync/atomic"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

// check is an operation that has to ask about the resource itself.
type check struct {
	permission perm.Permission
	done       atomic.Bool
}

type checkKey struct{}

// AuthorizeResource implements authz.Authorizer.
func (a *Authorizer) AuthorizeResource(ctx context.Context, p perm.Permission, resource authz.Attributes) error {
	q, err := a.asked(ctx, p)
	if err != nil {
		return err
	}
	if !q.allows() && !a.meets(q, resource) {
		return denied(p)
	}
	if c, ok := ctx.Value(checkKey{}).(*check); ok && c.permission == p {
		c.done.Store(true)
	}
	return nil
}

// meets is kept out of the decisions about what is held without a condition.
func (a *Authorizer) meets(q question, resource authz.Attributes) bool {
	conditions := q.held.conditions(q.caller.UserID, q.index)
	if len(conditions) == 0 {
		return false
	}
	facts := perm.Facts{Caller: q.caller.UserID, Now: a.now(), Attributes: resource}
	for _, c := range conditions {
		if c.Holds(facts) {
			return true
		}
	}
	return false
}

// Admit lets the caller in ctx reach an operation that checks the resource itself: it returns nil when there could be a
// resource for which the caller holds p. In the context that it returns, Checked tells whether the operation has asked.
func (a *Authorizer) Admit(ctx context.Context, p perm.Permission) (context.Context, error) {
	q, err := a.asked(ctx, p)
	if err != nil {
		return nil, err
	}
	if !q.allows() && !a.mayMeet(q) {
		return nil, denied(p)
	}
	return context.WithValue(ctx, checkKey{}, &check{permission: p}), nil
}

func (a *Authorizer) mayMeet(q question) bool {
	for _, c := range q.held.conditions(q.caller.UserID, q.index) {
		if c.HoldsForSome(perm.Facts{Caller: q.caller.UserID, Now: a.now()}) {
			return true
		}
	}
	return false
}

// Checked is false as long as AuthorizeResource has not allowed what Admit let in. Without Admit there is nothing to
// check.
func Checked(ctx context.Context) bool {
	c, ok := ctx.Value(checkKey{}).(*check)
	return !ok || c.done.Load()
}
