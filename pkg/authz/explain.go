package authz

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/perm"
)

// Question asks why somebody may do something in the tenant in the context, or may not.
type Question struct {
	User       uuid.UUID
	Permission perm.Permission
	Attributes Attributes // of the resource; nil without one
}

// Verdict is what decided.
type Verdict string

// The verdicts.
const (
	VerdictGranted         Verdict = "granted"
	VerdictNoRole          Verdict = "no_role"          // the user holds no role in the tenant
	VerdictNotGranted      Verdict = "not_granted"      // no role of the user holds the permission
	VerdictConditionFailed Verdict = "condition_failed" // one does, and its condition is not true
)

// Explanation is the decision with what led to it.
type Explanation struct {
	Allowed bool
	Verdict Verdict
	Roles   []string // that the user holds, sorted
	Rules   []Reason // that reach the permission, sorted
}

// Reason is one rule that would grant the permission.
type Reason struct {
	Role    string
	BuiltIn bool
	Rule    string   // the permission or wildcard
	When    string   // its condition; empty without one
	Failed  []string // the clauses of the condition that are not true
}

// Explainer says why.
type Explainer interface {
	// Explain decides as Authorizer does, on the rules as the transaction in ctx sees them. It answers
	// ErrPermissionUnknown for what no module declares. It does not know what limits a single session or key.
	Explain(ctx context.Context, q Question) (Explanation, error)
}
