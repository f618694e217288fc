// Package usage shows a tenant its plan, and how much of it is used. What it translates to HTTP is known in the core, behind
// pkg/terms and pkg/quota.
package usage

import (
	"context"

	"github.com/yourorg/platform/modules/usage/internal/api"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/terms"
)

type handler struct {
	terms  terms.Reader
	quotas quota.Quotas
	rates  ratelimit.Defaults
}

func newHandler(t terms.Reader, q quota.Quotas, r ratelimit.Defaults) api.StrictServerInterface {
	return &handler{terms: t, quotas: q, rates: r}
}

func (h *handler) GetUsage(ctx context.Context, _ api.GetUsageRequestObject) (api.GetUsageResponseObject, error) {
	plan, grant, err := h.terms.Mine(ctx)
	if err != nil {
		return nil, err
	}
	states, err := h.quotas.Usage(ctx)
	if err != nil {
		return nil, err
	}
	tenants, keys := h.rates.Or(grant.Rate, grant.KeyRate)
	view := api.Usage{
		Plan: plan, Entitlements: make([]string, len(grant.Entitlements)), Rate: *rate(&tenants), KeyRate: rate(keys),
		Quotas: make([]api.QuotaUse, len(states)),
	}
	for i, name := range grant.Entitlements {
		view.Entitlements[i] = string(name)
	}
	for i, s := range states {
		view.Quotas[i] = toAPI(s)
	}
	return api.GetUsage200JSONResponse(view), nil
}

func rate(r *terms.Rate) *api.Rate {
	if r == nil {
		return nil
	}
	return &api.Rate{PerSecond: r.PerSecond, Burst: r.Burst}
}

func toAPI(s quota.State) api.QuotaUse {
	use := api.QuotaUse{Unit: string(s.Unit), Window: api.QuotaUseWindow(s.Window), Used: s.Used}
	if s.Limit != nil {
		use.Limit, use.Soft = &s.Limit.Amount, s.Limit.Soft
	}
	if !s.Resets.IsZero() {
		at := s.Resets.UTC()
		use.ResetsAt = &at
	}
	return use
}
