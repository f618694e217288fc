package authz

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// giver is a caller who wants to give something away.
type giver struct {
	a      *Authorizer
	caller *auth.Caller
	tenant tenant.ID
	roles  []string
	rules  []rule // of the tenant's roles, and the caller's grants
	held   *grants
}

// giver reads what the caller in ctx holds, as the transaction in ctx sees it.
func (a *Authorizer) giver(ctx context.Context) (*giver, error) {
	caller, ok := auth.FromContext(ctx)
	if !ok {
		return nil, errRequired
	}
	t, ok := tenant.FromContext(ctx)
	if !ok || t != caller.TenantID {
		return nil, authz.ErrNotHeld
	}
	rules, err := a.rulesOf(ctx, t, caller.UserID)
	if err != nil {
		return nil, fmt.Errorf("read what the caller holds in tenant %s: %w", t, err)
	}
	g := &giver{a: a, caller: caller, tenant: t, rules: rules, held: compile(a.vocabulary, rules)}
	for _, r := range rules {
		if r.ptype == grantRule {
			g.roles = append(g.roles, r.role)
		}
	}
	return g, nil
}

// mayGive returns nil when the caller holds a permission, or holds it under no stricter a condition than the one that
// it is given under. Authorize is asked as well: a caller may be limited by more than roles.
func (g *giver) mayGive(ctx context.Context, permission int, when string) error {
	name := g.a.vocabulary.definitions[permission].Name
	if g.caller.Key != nil && !g.caller.Key.Personal { // it holds what it lists, without a condition
		return notHeld(name, g.a.Authorize(ctx, name))
	}
	if g.held.allows(g.caller.UserID, permission) {
		return notHeld(name, g.a.Authorize(ctx, name))
	}
	narrow, err := perm.ParseCondition(when)
	if err != nil {
		return fmt.Errorf("give %s: %w", name, err)
	}
	for _, mine := range g.held.conditions(g.caller.UserID, permission) {
		if narrow.Implies(mine) {
			_, err := g.a.Admit(ctx, name)
			return notHeld(name, err)
		}
	}
	return notHeld(name, errDenied)
}

// notHeld turns a denial into what somebody is told who wants to give something away.
func notHeld(name perm.Permission, err error) error {
	if err == nil || problem.From(err).Kind != problem.Forbidden {
		return err
	}
	return authz.ErrNotHeld.Detailf("You do not hold the permission %q.", string(name)).Wrap(err)
}

// mayGiveAll asks about everything that the permissions and wildcards of a tenant's own role grant now.
func (g *giver) mayGiveAll(ctx context.Context, permissions []authz.Grant) error {
	for _, p := range permissions {
		for _, permission := range g.a.vocabulary.reach(p.Permission) {
			if err := g.mayGive(ctx, permission, p.When); err != nil {
				return err
			}
		}
	}
	return nil
}

// MayGrant implements authz.Roles.
func (r *Roles) MayGrant(ctx context.Context, role string) error {
	g, err := r.giver(ctx)
	if err != nil {
		return err
	}
	if !isBuiltIn(role) {
		known, err := r.known(ctx, g.tenant, role)
		if err != nil {
			return fmt.Errorf("look up role %s of tenant %s: %w", role, g.tenant, err)
		}
		if !known {
			return authz.ErrRoleUnknown
		}
	}
	if (role == authz.Owner || role == authz.PlatformAdmin) && !slices.Contains(g.roles, role) {
		return authz.ErrNotHeld.Detailf("Only somebody with the role %q can give it.", role)
	}
	given, ok := r.vocabulary.roles(g.rules)[role]
	if !ok {
		return nil // it holds nothing
	}
	for _, permission := range given.always.members() {
		if err := g.mayGive(ctx, permission, ""); err != nil {
			return err
		}
	}
	for _, permission := range slices.Sorted(maps.Keys(given.when)) {
		for _, when := range given.when[permission] {
			if err := g.mayGive(ctx, permission, when); err != nil {
				return err
			}
		}
	}
	return nil
}
