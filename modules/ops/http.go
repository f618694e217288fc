// Package ops shows the operator of the platform its insides.
package ops

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/ops/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
	"github.com/yourorg/platform/pkg/usage"
)

// errForeign is the answer to whoever is not in the operator's own tenant, whatever roles somebody may have made there.
var errForeign = problem.New(problem.Forbidden, "ops.operator_only", "Only the operator of the platform may do this")

type handler struct {
	operators     tenant.Operators
	events        event.Inspector
	jobs          job.Inspector
	notifications notify.Inspector
	usage         usage.Reader
	terms         terms.Registry
	rates         ratelimit.Defaults
}

func newHandler(o tenant.Operators, events event.Inspector, jobs job.Inspector, n notify.Inspector, u usage.Reader, t terms.Registry, r ratelimit.Defaults) api.StrictServerInterface {
	return &handler{operators: o, events: events, jobs: jobs, notifications: n, usage: u, terms: t, rates: r}
}

// operates refuses whoever is not the operator.
func (h *handler) operates(ctx context.Context) error {
	c, ok := auth.FromContext(ctx)
	if !ok {
		return errForeign
	}
	operates, err := h.operators.Operates(ctx, c.TenantID)
	if err != nil {
		return err
	}
	if !operates {
		return errForeign
	}
	return nil
}

// optional is nil for the zero id.
func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
