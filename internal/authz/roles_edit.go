package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent"
	entrole "github.com/yourorg/platform/internal/authz/ent/role"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/tenant"
)

// maxRoles bounds what a tenant can have the platform keep and compile.
const maxRoles = 1000

// Create implements authz.RoleEditor.
func (r *Roles) Create(ctx context.Context, draft authz.RoleDraft) (created authz.Role, err error) {
	if err := checkText(draft); err != nil {
		return created, err
	}
	wanted, err := r.vocabulary.grants(draft.Permissions, draft.Conditional)
	if err != nil {
		return created, err
	}
	err = r.run.InTx(ctx, func(ctx context.Context) error {
		g, err := r.giver(ctx)
		if err != nil {
			return err
		}
		if err := g.mayGiveAll(ctx, wanted); err != nil {
			return err
		}
		id, err := r.insertRole(ctx, g.tenant, draft)
		if err != nil {
			return err
		}
		if err := r.insert(ctx, rulesFor(g.tenant, draft.Name, wanted)); err != nil {
			return err
		}
		created, err = r.one(ctx, g.tenant, id)
		return err
	})
	if err != nil {
		return authz.Role{}, fmt.Errorf("create role: %w", err)
	}
	return created, nil
}

// insertRole keeps a role that permits nothing yet, unless its name is taken.
func (r *Roles) insertRole(ctx context.Context, t tenant.ID, draft authz.RoleDraft) (uuid.UUID, error) {
	if n, err := r.client.Role.Query().Where(entrole.TenantID(t)).Count(ctx); err != nil || n >= maxRoles {
		return uuid.Nil, or(err, authz.ErrRoleLimit.Detailf("A tenant can have %d roles.", maxRoles))
	}
	id, err := uuid.NewV7()
	if err != nil {
		return id, err
	}
	now := stamp(r.now())
	err = r.client.Role.CreateBulk(r.client.Role.Create().SetID(id).SetTenantID(t).SetName(draft.Name).
		SetNameKey(strings.ToLower(draft.Name)).SetDescription(draft.Description).SetCreatedAt(now).SetUpdatedAt(now)).
		OnConflictColumns(entrole.FieldTenantID, entrole.FieldNameKey).DoNothing().Exec(ctx)
	if err != nil {
		return id, err
	}
	if kept, err := r.client.Role.Query().Where(entrole.TenantID(t), entrole.ID(id)).Exist(ctx); err != nil || !kept {
		return id, or(err, authz.ErrRoleNameTaken)
	}
	return id, nil
}

// Change implements authz.RoleEditor.
func (r *Roles) Change(ctx context.Context, id uuid.UUID, change authz.RoleChange) (after authz.Role, err error) {
	err = r.run.InTx(ctx, func(ctx context.Context) error {
		g, before, err := r.editable(ctx, id)
		if err != nil {
			return err
		}
		if change.Accepts != nil && !change.Accepts(before.Version) {
			return authz.ErrRoleChanged
		}
		draft := changed(before, change)
		wanted, err := r.wanted(before, draft, change)
		if err != nil {
			return err
		}
		if err := g.mayGiveAll(ctx, wanted); err != nil {
			return err
		}
		if err := r.replace(ctx, g.tenant, before, draft, wanted); err != nil {
			return err
		}
		after, err = r.one(ctx, g.tenant, id)
		return err
	})
	if err != nil {
		return authz.Role{}, fmt.Errorf("change role %s: %w", id, err)
	}
	return after, nil
}

func changed(before authz.Role, c authz.RoleChange) authz.RoleDraft {
	draft := authz.RoleDraft{
		Name: before.Name, Description: before.Description, Permissions: before.Permissions, Conditional: before.Conditional,
	}
	if c.Name != nil {
		draft.Name = *c.Name
	}
	if c.Description != nil {
		draft.Description = *c.Description
	}
	if c.Permissions != nil {
		draft.Permissions = *c.Permissions
	}
	if c.Conditional != nil {
		draft.Conditional = *c.Conditional
	}
	return draft
}

// wanted checks what is new. What a role held before may be of a module that is switched off now.
func (r *Roles) wanted(before authz.Role, draft authz.RoleDraft, c authz.RoleChange) ([]authz.Grant, error) {
	if err := checkText(draft); err != nil {
		return nil, err
	}
	var permissions []string
	var conditional []authz.Grant
	var kept authz.Role
	if c.Permissions != nil {
		permissions = draft.Permissions
	} else {
		kept.Permissions = before.Permissions
	}
	if c.Conditional != nil {
		conditional = draft.Conditional
	} else {
		kept.Conditional = before.Conditional
	}
	wanted, err := r.vocabulary.grants(permissions, conditional)
	return append(wanted, grantsOf(kept)...), err
}

// editable locks a role that the caller may change: a tenant's own that holds nothing beyond what the caller holds.
func (r *Roles) editable(ctx context.Context, id uuid.UUID) (*giver, authz.Role, error) {
	g, err := r.giver(ctx)
	if err != nil {
		return nil, authz.Role{}, err
	}
	builtIn, err := r.visible(ctx, g.tenant)
	if err != nil {
		return nil, authz.Role{}, err
	}
	if slices.ContainsFunc(builtIn, func(role authz.Role) bool { return role.ID == id }) {
		return nil, authz.Role{}, authz.ErrRoleBuiltIn
	}
	role, err := r.one(ctx, g.tenant, id, locked)
	if err != nil {
		return nil, role, err
	}
	return g, role, g.mayGiveAll(ctx, grantsOf(role))
}

// replace stores the difference. A new name goes to those who have the role.
func (r *Roles) replace(ctx context.Context, t tenant.ID, before authz.Role, draft authz.RoleDraft, wanted []authz.Grant) error {
	old, next := rulesFor(t, before.Name, grantsOf(before)), rulesFor(t, draft.Name, wanted)
	surplus, missing := without(old, next), without(next, old)
	renamed := draft.Name != before.Name
	if !renamed && draft.Description == before.Description && len(surplus)+len(missing) == 0 {
		return nil
	}
	for _, s := range surplus {
		if err := r.remove(ctx, append(exactly(s.ptype, s.values()), entrule.TenantID(t))...); err != nil {
			return err
		}
	}
	err := r.client.Role.Update().Where(entrole.TenantID(t), entrole.ID(before.ID)).SetName(draft.Name).
		SetNameKey(strings.ToLower(draft.Name)).SetDescription(draft.Description).AddVersion(1).SetUpdatedAt(stamp(r.now())).Exec(ctx)
	if ent.IsConstraintError(err) { // the name is the one unique rule that a change can break
		return authz.ErrRoleNameTaken.Wrap(err)
	}
	if err != nil {
		return err
	}
	if renamed {
		holders := []rule{}
		users, err := r.Holders(ctx, t, before.Name)
		if err != nil {
			return err
		}
		for _, user := range users {
			holders = append(holders, rule{ptype: grantRule, tenant: t, user: user, role: draft.Name})
		}
		if err := r.remove(ctx, entrule.TenantID(t), entrule.Ptype(grantRule), entrule.V1(before.Name)); err != nil {
			return err
		}
		missing = append(missing, holders...)
	}
	return r.insert(ctx, missing)
}

// Delete implements authz.RoleEditor.
func (r *Roles) Delete(ctx context.Context, id uuid.UUID, removal authz.RoleRemoval) error {
	err := r.run.InTx(ctx, func(ctx context.Context) error {
		g, role, err := r.editable(ctx, id)
		if err != nil {
			return err
		}
		if removal.Accepts != nil && !removal.Accepts(role.Version) {
			return authz.ErrRoleChanged
		}
		holders, err := r.Holders(ctx, g.tenant, role.Name)
		if err != nil {
			return err
		}
		if len(holders) > 0 && !removal.Unassign {
			return authz.ErrRoleAssigned.Detailf("%d users have it.", len(holders))
		}
		err = r.remove(ctx, entrule.TenantID(g.tenant), entrule.Or(
			entrule.And(entrule.Ptype(permissionRule), entrule.V0(role.Name)),
			entrule.And(entrule.Ptype(grantRule), entrule.V1(role.Name)),
		))
		if err != nil {
			return err
		}
		_, err = r.client.Role.Delete().Where(entrole.TenantID(g.tenant), entrole.ID(id)).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete role %s: %w", id, err)
	}
	return nil
}

// grantsOf lists what a role holds, with and without conditions.
func grantsOf(role authz.Role) []authz.Grant {
	grants := slices.Clone(role.Conditional)
	for _, p := range role.Permissions {
		grants = append(grants, authz.Grant{Permission: p})
	}
	return grants
}

func rulesFor(t tenant.ID, role string, grants []authz.Grant) []rule {
	rules := make([]rule, len(grants))
	for i, g := range grants {
		rules[i] = rule{ptype: permissionRule, tenant: t, role: role, pattern: g.Permission, when: g.When}
	}
	return rules
}

func without(rules, others []rule) []rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r rule) bool { return slices.Contains(others, r) })
}

// or is err, if there is one.
func or(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
