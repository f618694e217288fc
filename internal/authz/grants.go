package authz

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
)

// Assign gives user a role in t, in the caller's transaction. A role that is neither built in nor has a permission in
// t is refused: it would grant nothing. Assigning twice is no error.
func (a *Authorizer) Assign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error {
	r, err := parseRule(grantRule, []string{user.String(), role, t.String()})
	if err != nil {
		return fmt.Errorf("assign a role: %w", errRole.Wrap(err))
	}
	err = a.run.InTx(ctx, func(ctx context.Context) error {
		known, err := a.known(ctx, t, role)
		if err != nil {
			return err
		}
		if !known {
			return errRole
		}
		held, err := a.client.Rule.Query().Where(entrule.TenantID(t), entrule.Ptype(grantRule),
			entrule.V0(user.String()), entrule.V1(role), entrule.V2(t.String())).Exist(ctx)
		if err != nil || held {
			return err
		}
		return a.insert(ctx, []rule{r})
	})
	if err != nil {
		return fmt.Errorf("assign role %s in tenant %s: %w", role, t, err)
	}
	return nil
}

// Unassign takes a role away in the caller's transaction. Taking what is not held is no error.
func (a *Authorizer) Unassign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error {
	err := a.run.InTx(ctx, func(ctx context.Context) error {
		n, err := a.client.Rule.Delete().Where(entrule.TenantID(t), entrule.Ptype(grantRule),
			entrule.V0(user.String()), entrule.V1(role)).Exec(ctx)
		if err != nil || n == 0 {
			return err
		}
		return a.changed(ctx, t)
	})
	if err != nil {
		return fmt.Errorf("unassign role %s in tenant %s: %w", role, t, err)
	}
	return nil
}

// Roles lists the roles of user in t, sorted, as the transaction in ctx sees them.
func (a *Authorizer) Roles(ctx context.Context, t tenant.ID, user uuid.UUID) ([]string, error) {
	rules, err := a.rules(ctx, entrule.TenantID(t), entrule.Ptype(grantRule), entrule.V0(user.String()))
	if err != nil {
		return nil, fmt.Errorf("list the roles in tenant %s: %w", t, err)
	}
	roles := make([]string, 0, len(rules))
	for _, r := range rules {
		roles = append(roles, r.role)
	}
	slices.Sort(roles)
	return roles, nil
}

// Permissions lists what user holds in t, sorted and without wildcards, as the transaction in ctx sees it.
func (a *Authorizer) Permissions(ctx context.Context, t tenant.ID, user uuid.UUID) ([]perm.Permission, error) {
	rules, err := a.rules(ctx, entrule.TenantID(t), entrule.Or(
		entrule.Ptype(permissionRule),
		entrule.And(entrule.Ptype(grantRule), entrule.V0(user.String())),
	))
	if err != nil {
		return nil, fmt.Errorf("list the permissions in tenant %s: %w", t, err)
	}
	held := compile(a.vocabulary, rules)
	permissions := []perm.Permission{}
	for i, d := range a.vocabulary.definitions {
		if held.allows(user, i) {
			permissions = append(permissions, d.Name)
		}
	}
	return permissions, nil
}

func (a *Authorizer) known(ctx context.Context, t tenant.ID, role string) (bool, error) {
	if isBuiltIn(role) {
		return true, nil
	}
	return a.client.Rule.Query().
		Where(entrule.TenantID(t), entrule.Ptype(permissionRule), entrule.V0(role), entrule.V1(t.String())).Exist(ctx)
}
