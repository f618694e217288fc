package ops

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/ops/internal/api"
	"github.com/yourorg/platform/pkg/terms"
	"github.com/yourorg/platform/pkg/web"
)

func (h *handler) GetOpsLimits(ctx context.Context, r api.GetOpsLimitsRequestObject) (api.GetOpsLimitsResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	body, tag, err := h.limits(ctx, r.ID)
	return api.GetOpsLimits200JSONResponse{Body: body, Headers: api.GetOpsLimits200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) SetOpsLimits(ctx context.Context, r api.SetOpsLimitsRequestObject) (api.SetOpsLimitsResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	if _, err := h.terms.SetLimits(ctx, r.ID, fromLimits(*r.Body), web.IfMatch(r.Params.IfMatch).HoldsBeside); err != nil {
		return nil, err
	}
	body, tag, err := h.limits(ctx, r.ID)
	return api.SetOpsLimits200JSONResponse{Body: body, Headers: api.SetOpsLimits200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) limits(ctx context.Context, id uuid.UUID) (api.TenantLimits, string, error) {
	set, after, version, err := h.terms.Limits(ctx, id)
	if err != nil {
		return api.TenantLimits{}, "", err
	}
	counts := h.counts(after) // which a plan and the configuration change without a version of what is set
	tag, err := web.ETagBeside(version, counts)
	return api.TenantLimits{Set: toLimits(set), Counts: counts}, tag, err
}

// counts is what is true of a tenant after all.
func (h *handler) counts(p terms.Plan) api.Terms {
	tenants, keys := h.rates.Or(p.Rate, p.KeyRate)
	return api.Terms{
		Plan: p.Name, Rate: *toRate(&tenants), KeyRate: toRate(keys), Quotas: each(p.Quotas, toQuota), Entitlements: each(p.Entitlements, text),
	}
}

func (h *handler) GetOpsPolicies(ctx context.Context, r api.GetOpsPoliciesRequestObject) (api.GetOpsPoliciesResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	p, version, err := h.terms.Policies(ctx, r.ID)
	tag := web.ETag(version)
	return api.GetOpsPolicies200JSONResponse{Body: toPolicies(p), Headers: api.GetOpsPolicies200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) SetOpsPolicies(ctx context.Context, r api.SetOpsPoliciesRequestObject) (api.SetOpsPoliciesResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	p := fromPolicies(*r.Body)
	version, err := h.terms.SetPolicies(ctx, r.ID, p, web.IfMatch(r.Params.IfMatch).Holds)
	tag := web.ETag(version)
	return api.SetOpsPolicies200JSONResponse{Body: toPolicies(p), Headers: api.SetOpsPolicies200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) ListOpsPlans(ctx context.Context, _ api.ListOpsPlansRequestObject) (api.ListOpsPlansResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	plans, err := h.terms.Plans(ctx)
	if err != nil {
		return nil, err
	}
	return api.ListOpsPlans200JSONResponse{Items: each(plans, toPlan)}, nil
}

func (h *handler) GetOpsPlan(ctx context.Context, r api.GetOpsPlanRequestObject) (api.GetOpsPlanResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	p, err := h.terms.Plan(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	tag, err := planTag(p)
	return api.GetOpsPlan200JSONResponse{Body: toPlan(p), Headers: api.GetOpsPlan200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) SetOpsPlan(ctx context.Context, r api.SetOpsPlanRequestObject) (api.SetOpsPlanResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	p := fromDraft(r.Name, *r.Body)
	var err error
	if p.Version, err = h.terms.SetPlan(ctx, p, seen(r.Params.IfMatch)); err != nil {
		return nil, err
	}
	tag, err := planTag(p)
	return api.SetOpsPlan200JSONResponse{Body: toPlan(p), Headers: api.SetOpsPlan200ResponseHeaders{ETag: &tag}}, err
}

func (h *handler) DeleteOpsPlan(ctx context.Context, r api.DeleteOpsPlanRequestObject) (api.DeleteOpsPlanResponseObject, error) {
	if err := h.operates(ctx); err != nil {
		return nil, err
	}
	return api.DeleteOpsPlan204Response{}, h.terms.DeletePlan(ctx, r.Name, seen(r.Params.IfMatch))
}

// planTag is the tag of what is shown. A version would not do: the configuration changes its plans without one, and a plan that is
// made again begins at the first. One that is not there yet has that of version 0.
func planTag(p terms.Plan) (string, error) {
	if p.Version == 0 && !p.Configured {
		return web.ETag(0), nil
	}
	return web.Digest(toPlan(p))
}

// seen asks for the plan that the caller has seen.
func seen(match *string) terms.AcceptsPlan {
	return func(before terms.Plan) bool {
		tag, err := planTag(before)
		return err == nil && web.IfMatch(match).HoldsFor(tag)
	}
}
