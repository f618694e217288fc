package access

import (
	"context"
	"fmt"
	"strings"

	"github.com/yourorg/platform/modules/access/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

func (h *handler) ListPermissions(context.Context, api.ListPermissionsRequestObject) (api.ListPermissionsResponseObject, error) {
	definitions := h.catalog.Definitions()
	items := make([]api.Permission, len(definitions))
	for i, d := range definitions {
		items[i] = api.Permission{
			Name: string(d.Name), Description: d.Description, Module: d.Module, Roles: append([]string{}, d.Roles...),
			Conditional: make([]api.Holder, len(d.Conditional)), Attributes: append([]string{}, d.Attributes...), Grantable: d.Grantable,
		}
		for j, holder := range d.Conditional {
			items[i].Conditional[j] = api.Holder{Role: holder.Role, When: holder.When}
		}
	}
	return api.ListPermissions200JSONResponse{Items: items}, nil
}

func (h *handler) ExplainDecision(ctx context.Context, r api.ExplainDecisionRequestObject) (api.ExplainDecisionResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	q := authz.Question{User: caller.UserID, Permission: perm.Permission(r.Body.Permission)}
	if r.Body.UserID != nil {
		q.User = *r.Body.UserID
	}
	if r.Body.Resource != nil {
		q.Attributes = *r.Body.Resource
	}
	e, err := h.explain.Explain(ctx, q)
	if err != nil {
		return nil, err
	}
	answer := api.ExplainDecision200JSONResponse{
		Allowed: e.Allowed, Verdict: api.ExplanationVerdict(e.Verdict), Reason: reason(q, e), Permission: string(q.Permission),
		UserID: q.User, Roles: append([]string{}, e.Roles...), Rules: make([]api.Rule, len(e.Rules)),
	}
	for i, rule := range e.Rules {
		answer.Rules[i] = api.Rule{
			Role: rule.Role, BuiltIn: rule.BuiltIn, Rule: rule.Rule, When: rule.When, Failed: append([]string{}, rule.Failed...),
		}
	}
	return answer, nil
}

// reason is the verdict in words.
func reason(q authz.Question, e authz.Explanation) string {
	switch e.Verdict {
	case authz.VerdictGranted:
		for _, r := range e.Rules {
			if len(r.Failed) == 0 && r.When == "" {
				return fmt.Sprintf("The role %q holds %q.", r.Role, r.Rule)
			}
		}
		for _, r := range e.Rules {
			if len(r.Failed) == 0 {
				return fmt.Sprintf("The role %q holds %q when %s, which is true.", r.Role, r.Rule, r.When)
			}
		}
	case authz.VerdictConditionFailed:
		r := e.Rules[0]
		return fmt.Sprintf("The role %q holds %q when %s, and this is not true: %s.", r.Role, r.Rule, r.When, strings.Join(r.Failed, ", "))
	case authz.VerdictNoRole:
		return "The user has no role in this tenant."
	}
	return fmt.Sprintf("None of the roles %s holds %q.", strings.Join(e.Roles, ", "), string(q.Permission))
}
