package ops

import (
	"github.com/yourorg/platform/modules/ops/internal/api"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

// each translates all of them; it is never nil, so that JSON shows an empty list.
func each[A, B any](all []A, of func(A) B) []B {
	out := make([]B, len(all))
	for i, one := range all {
		out[i] = of(one)
	}
	return out
}

func toLimits(l terms.Limits) api.Limits {
	quotas, granted, withheld := each(l.Quotas, toQuota), each(l.Entitlements, text), each(l.Withheld, text)
	return api.Limits{
		Plan: &l.Plan, Rate: toRate(l.Rate), KeyRate: toRate(l.KeyRate), Quotas: &quotas, Entitlements: &granted, Withheld: &withheld,
	}
}

func fromLimits(l api.Limits) terms.Limits {
	return terms.Limits{
		Plan: value(l.Plan), Rate: fromRate(l.Rate), KeyRate: fromRate(l.KeyRate), Quotas: each(value(l.Quotas), fromQuota),
		Entitlements: each(value(l.Entitlements), named), Withheld: each(value(l.Withheld), named),
	}
}

func toPlan(p terms.Plan) api.Plan {
	return api.Plan{
		Name: p.Name, Description: p.Description, Configured: p.Configured, Rate: toRate(p.Rate), KeyRate: toRate(p.KeyRate),
		Quotas: each(p.Quotas, toQuota), Entitlements: each(p.Entitlements, text),
	}
}

func fromDraft(name string, d api.PlanDraft) terms.Plan {
	return terms.Plan{Name: name, Description: value(d.Description), Grant: terms.Grant{
		Rate: fromRate(d.Rate), KeyRate: fromRate(d.KeyRate), Quotas: each(value(d.Quotas), fromQuota), Entitlements: each(value(d.Entitlements), named),
	}}
}

func toPolicies(p terms.Policies) api.Policies {
	allow, routing := map[string][]string{}, map[string]api.Routing{}
	for kind, values := range p.Allow {
		allow[string(kind)] = append([]string{}, values...)
	}
	for kind, r := range p.Routing {
		routing[string(kind)] = api.Routing{Strategy: api.RoutingStrategy(r.Strategy), Targets: each(r.Targets, toTarget)}
	}
	return api.Policies{Allow: &allow, Routing: &routing}
}

func fromPolicies(p api.Policies) terms.Policies {
	out := terms.Policies{Allow: map[policy.Kind][]string{}, Routing: map[policy.Kind]policy.Routing{}}
	for kind, values := range value(p.Allow) {
		out.Allow[policy.Kind(kind)] = values
	}
	for kind, r := range value(p.Routing) {
		out.Routing[policy.Kind(kind)] = policy.Routing{Strategy: policy.Strategy(r.Strategy), Targets: each(r.Targets, fromTarget)}
	}
	return out
}

func toTarget(t policy.Target) api.RoutingTarget {
	if t.Weight == 0 {
		return api.RoutingTarget{Name: t.Name}
	}
	return api.RoutingTarget{Name: t.Name, Weight: &t.Weight}
}

func fromTarget(t api.RoutingTarget) policy.Target {
	return policy.Target{Name: t.Name, Weight: value(t.Weight)}
}

func toRate(r *terms.Rate) *api.Rate {
	if r == nil {
		return nil
	}
	return &api.Rate{PerSecond: r.PerSecond, Burst: r.Burst}
}

func fromRate(r *api.Rate) *terms.Rate {
	if r == nil {
		return nil
	}
	return &terms.Rate{PerSecond: r.PerSecond, Burst: r.Burst}
}

func toQuota(l quota.Limit) api.QuotaLimit {
	return api.QuotaLimit{Unit: string(l.Unit), Window: api.QuotaLimitWindow(l.Window), Amount: l.Amount, Soft: &l.Soft}
}

func fromQuota(l api.QuotaLimit) quota.Limit {
	return quota.Limit{Unit: quota.Unit(l.Unit), Window: quota.Window(l.Window), Amount: l.Amount, Soft: value(l.Soft)}
}

func text(n entitlement.Name) string  { return string(n) }
func named(s string) entitlement.Name { return entitlement.Name(s) }
