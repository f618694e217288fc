// Package terms is under which terms a tenant is served: its plan, limits, quotas, entitlements and policies. The operator
// sets them.
package terms

import (
	"context"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

// What a caller can be told. Codes are stable.
var (
	ErrInvalid       = problem.New(problem.Invalid, "terms.invalid", "The terms are not acceptable")
	ErrUnknownTenant = problem.New(problem.NotFound, "terms.tenant_unknown", "There is no such tenant")
	ErrUnknownPlan   = problem.New(problem.NotFound, "terms.plan_unknown", "There is no such plan")
	ErrConfigured    = problem.New(problem.Conflict, "terms.plan_configured", "The plan is part of the configuration")
	ErrInUse         = problem.New(problem.Conflict, "terms.plan_in_use", "Tenants have the plan")
	ErrChanged       = problem.New(problem.PreconditionFailed, "terms.changed", "The terms have changed in the meantime")
)

// Rate bounds how fast requests come: PerSecond evenly, and Burst at once.
type Rate struct {
	PerSecond int `json:"per_second" mapstructure:"per_second"` // 1–1,000,000
	Burst     int `json:"burst" mapstructure:"burst"`           // 1–10,000,000
}

// Grant is what a plan gives. Rates that are nil are those of the configuration. A unit without a limit is not limited.
type Grant struct {
	Rate         *Rate              `json:"rate,omitempty"`     // of the tenant as a whole
	KeyRate      *Rate              `json:"key_rate,omitempty"` // of each of its API keys
	Quotas       []quota.Limit      `json:"quotas"`
	Entitlements []entitlement.Name `json:"entitlements"`
}

// Plan is a grant with a name.
type Plan struct {
	Name        string // 1–50 lower-case letters, digits, - and _
	Description string
	Configured  bool // part of the configuration, and not to be changed here
	Grant
	Version int // grows with every change, until it is deleted; 0 of one in the configuration
}

// Limits are what the operator has set for one tenant. Where they say something, it counts instead of what the plan says.
type Limits struct {
	Plan    string        `json:"plan"` // empty means the default plan
	Rate    *Rate         `json:"rate,omitempty"`
	KeyRate *Rate         `json:"key_rate,omitempty"`
	Quotas  []quota.Limit `json:"quotas"` // each instead of the plan's for the same unit and window

	Entitlements []entitlement.Name `json:"entitlements"` // beside those of the plan
	Withheld     []entitlement.Name `json:"withheld"`     // of those of the plan
}

// Policies are what a tenant may use and prefers, by kind.
type Policies struct {
	Allow   map[policy.Kind][]string       `json:"allow"` // values, or patterns such as gpt-*; an empty list allows nothing
	Routing map[policy.Kind]policy.Routing `json:"routing"`
}

// Accepts tells whether a version may be changed: an If-Match. Nil accepts all.
type Accepts func(version int) bool

// AcceptsPlan is Accepts for a plan as it is. One that is not there yet has version 0. A plan that is deleted and made again
// has the same versions again, so that its version alone does not say what somebody has seen.
type AcceptsPlan func(before Plan) bool

// Registry shows and changes the terms of any tenant, for the operator. Changes count on every replica within a second.
type Registry interface {
	// Limits returns what is set for a tenant, its plan with what counts for it after all, and the version of the former.
	Limits(ctx context.Context, id tenant.ID) (set Limits, after Plan, version int, err error)
	// SetLimits replaces what is set for a tenant and returns its new version.
	SetLimits(ctx context.Context, id tenant.ID, l Limits, ok Accepts) (int, error)

	// Policies returns those of a tenant and their version.
	Policies(ctx context.Context, id tenant.ID) (Policies, int, error)
	// SetPolicies replaces those of a tenant and returns their new version.
	SetPolicies(ctx context.Context, id tenant.ID, p Policies, ok Accepts) (int, error)

	// Plans returns all, sorted by name.
	Plans(ctx context.Context) ([]Plan, error)
	// Plan returns one.
	Plan(ctx context.Context, name string) (Plan, error)
	// SetPlan makes or replaces a plan and returns its new version. One of the configuration is ErrConfigured.
	SetPlan(ctx context.Context, p Plan, ok AcceptsPlan) (int, error)
	// DeletePlan removes a plan that no tenant has.
	DeletePlan(ctx context.Context, name string, ok AcceptsPlan) error
}

// Reader shows a tenant its own terms.
type Reader interface {
	// Mine returns the plan of the tenant in ctx, and what counts for it after all.
	Mine(ctx context.Context) (plan string, g Grant, err error)
}

// Denied is the event of requests of a tenant that its terms did not allow. Refusals of one sort within a few seconds are
// one event, so that a flood of them is none of events.
type Denied struct {
	By    string `json:"by"`   // "rate", "quota", "entitlement" or "policy"
	Name  string `json:"name"` // the unit, the feature, or the kind
	Count int    `json:"count"`
}

// Topic implements event.Event.
func (Denied) Topic() string { return "terms.request.denied" }

// Version implements event.Event.
func (Denied) Version() int { return 1 }
