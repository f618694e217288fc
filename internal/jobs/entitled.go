package jobs

import (
	"context"
	"errors"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/tenant"
)

// entitled does the job when its tenant has what the handler asks for.
func entitled(c entitlement.Checker, h job.Handler) do {
	if h.Entitlement == "" {
		return h.Do
	}
	return func(ctx context.Context, j *job.Job) error {
		err := c.Check(ctx, h.Entitlement)
		switch {
		case err == nil:
			return h.Do(ctx, j)
		case errors.Is(err, tenant.ErrMissing):
			return job.Permanent(err)
		}
		return err
	}
}
