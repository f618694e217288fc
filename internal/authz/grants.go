package authz

import (
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent/predicate"
	entrole "github.com/yourorg/platform/internal/authz/ent/role"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
)

// Assign gives user a role in t, in the caller's transaction. A role that is neither built in nor one of t's own is
// refused. Assigning twice is no error.
func (a *Authorizer) Assign(ctx context.Context, t tenant.ID, user uuid.UUID, role string) error {
	r, err := parseRule(grantRule, []string{user.String(), role, t.String()})
	if err != nil {
		return fmt.Errorf("assign a role: %w", authz.ErrRoleUnknown.Wrap(err))
	}
	err = a.run.InTx(tenant.NewContext(ctx, t), func(ctx context.Context) error {
		known, err := a.known(ctx, t, role, shared) // so that it is neither renamed nor deleted meanwhile
		if err != nil {
			return err
		}
		if !known {
			return authz.ErrRoleUnknown
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
	err := a.run.InTx(tenant.NewContext(ctx, t), func(ctx context.Context) error {
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
	rules, err := a.rules(tenant.NewContext(ctx, t), entrule.TenantID(t), entrule.Ptype(grantRule), entrule.V0(user.String()))
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

// RolesOf lists the roles of several users in t, each sorted, as the transaction in ctx sees them.
func (a *Authorizer) RolesOf(ctx context.Context, t tenant.ID, users ...uuid.UUID) (map[uuid.UUID][]string, error) {
	roles := make(map[uuid.UUID][]string, len(users))
	for batch := range slices.Chunk(users, batchSize) {
		names := make([]string, len(batch))
		for i, user := range batch {
			names[i] = user.String()
		}
		rules, err := a.rules(tenant.NewContext(ctx, t), entrule.TenantID(t), entrule.Ptype(grantRule), entrule.V0In(names...))
		if err != nil {
			return nil, fmt.Errorf("list the roles in tenant %s: %w", t, err)
		}
		for _, r := range rules {
			roles[r.user] = append(roles[r.user], r.role)
		}
	}
	for _, of := range roles {
		slices.Sort(of)
	}
	return roles, nil
}

// Holders lists the users who hold role in t, as the transaction in ctx sees them.
func (a *Authorizer) Holders(ctx context.Context, t tenant.ID, role string) ([]uuid.UUID, error) {
	rules, err := a.rules(tenant.NewContext(ctx, t), entrule.TenantID(t), entrule.Ptype(grantRule), entrule.V1(role))
	if err != nil {
		return nil, fmt.Errorf("list the holders of role %s in tenant %s: %w", role, t, err)
	}
	users := make([]uuid.UUID, len(rules))
	for i, r := range rules {
		users[i] = r.user
	}
	return users, nil
}

// Permissions lists what user holds in t without a condition, sorted and without wildcards, as the transaction in ctx
// sees it.
func (a *Authorizer) Permissions(ctx context.Context, t tenant.ID, user uuid.UUID) ([]perm.Permission, error) {
	rules, err := a.rulesOf(ctx, t, user)
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

// rulesOf reads what decides about one user in t.
func (a *Authorizer) rulesOf(ctx context.Context, t tenant.ID, user uuid.UUID) ([]rule, error) {
	return a.rules(tenant.NewContext(ctx, t), entrule.TenantID(t), entrule.Or(
		entrule.Ptype(permissionRule),
		entrule.And(entrule.Ptype(grantRule), entrule.V0(user.String())),
	))
}

func (a *Authorizer) known(ctx context.Context, t tenant.ID, role string, more ...predicate.Role) (bool, error) {
	if isBuiltIn(role) {
		return true, nil
	}
	return a.client.Role.Query().Where(append(more, entrole.TenantID(t), entrole.Name(role))...).Exist(ctx)
}

// shared and locked lock a row on Postgres for who relies on it and for who changes it. SQLite has one writer at a time.
func shared(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.ForShare()
	}
}

func locked(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.ForUpdate()
	}
}
