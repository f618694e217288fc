package authz

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/authz/ent"
	"github.com/yourorg/platform/internal/authz/ent/predicate"
	entrole "github.com/yourorg/platform/internal/authz/ent/role"
	entrule "github.com/yourorg/platform/internal/authz/ent/rule"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/tenant"
)

// Roles are the roles of the tenant in the context.
type Roles struct {
	*Authorizer
}

var (
	_ authz.Roles      = (*Roles)(nil)
	_ authz.RoleEditor = (*Roles)(nil)
)

// NewRoles returns the roles that a decides by.
func NewRoles(a *Authorizer) *Roles { return &Roles{a} }

// roleSpace makes the ids of the built-in roles from their names.
var roleSpace = uuid.MustParse("6f1c3f5e-6d0b-4c0e-9d39-0d0f8b6f2a41")

func builtInID(role string) uuid.UUID { return uuid.NewSHA1(roleSpace, []byte(role)) }

var descriptions = map[string]string{
	authz.Owner:         "Holds everything in the tenant, which cannot be without an owner.",
	authz.Admin:         "Runs the tenant day by day.",
	authz.Member:        "Works in the tenant.",
	authz.Viewer:        "Reads, and changes nothing.",
	authz.PlatformAdmin: "Operates the platform.",
}

// List implements authz.Roles.
func (r *Roles) List(ctx context.Context, after uuid.UUID, limit int) ([]authz.Role, error) {
	t, ok := tenant.FromContext(ctx)
	if !ok {
		return nil, tenant.ErrMissing
	}
	builtIn, err := r.visible(ctx, t)
	if err != nil {
		return nil, err
	}
	if at := slices.IndexFunc(builtIn, func(role authz.Role) bool { return role.ID == after }); at >= 0 {
		builtIn, after = builtIn[at+1:], uuid.Nil
	} else if after != uuid.Nil {
		builtIn = nil
	}
	if len(builtIn) >= limit {
		return builtIn[:limit], nil
	}
	own, err := r.own(ctx, t, limit-len(builtIn), entrole.IDGT(after))
	if err != nil {
		return nil, fmt.Errorf("list the roles of tenant %s: %w", t, err)
	}
	return append(builtIn, own...), nil
}

// ByID implements authz.Roles.
func (r *Roles) ByID(ctx context.Context, id uuid.UUID) (authz.Role, error) {
	t, ok := tenant.FromContext(ctx)
	if !ok {
		return authz.Role{}, tenant.ErrMissing
	}
	builtIn, err := r.visible(ctx, t)
	if err != nil {
		return authz.Role{}, err
	}
	if at := slices.IndexFunc(builtIn, func(role authz.Role) bool { return role.ID == id }); at >= 0 {
		return builtIn[at], nil
	}
	return r.one(ctx, t, id)
}

// visible are the built-in roles that the caller may see: only its holders see the operator's.
func (r *Roles) visible(ctx context.Context, t tenant.ID) ([]authz.Role, error) {
	roles := make([]authz.Role, 0, len(builtInNames))
	for _, name := range builtInNames {
		if name == authz.PlatformAdmin {
			if holds, err := r.callerHas(ctx, t, name); err != nil {
				return nil, err
			} else if !holds {
				continue
			}
		}
		roles = append(roles, r.builtInRole(name))
	}
	return roles, nil
}

func (r *Roles) callerHas(ctx context.Context, t tenant.ID, role string) (bool, error) {
	caller, ok := auth.FromContext(ctx)
	if !ok {
		return false, nil
	}
	held, err := r.Authorizer.Roles(ctx, t, caller.UserID)
	return slices.Contains(held, role), err
}

func (r *Roles) builtInRole(name string) authz.Role {
	role := authz.Role{
		ID: builtInID(name), Name: name, Description: descriptions[name], BuiltIn: true, Version: 1, Permissions: []string{},
	}
	for _, v := range r.vocabulary.derived() {
		switch {
		case v[0] != name:
		case v[3] == "":
			role.Permissions = append(role.Permissions, v[2])
		default:
			role.Conditional = append(role.Conditional, authz.Grant{Permission: v[2], When: v[3]})
		}
	}
	return role
}

// one reads a role of the tenant's own.
func (r *Roles) one(ctx context.Context, t tenant.ID, id uuid.UUID, more ...predicate.Role) (authz.Role, error) {
	own, err := r.own(ctx, t, 1, append(more, entrole.ID(id))...)
	if err != nil {
		return authz.Role{}, fmt.Errorf("read role %s of tenant %s: %w", id, t, err)
	}
	if len(own) == 0 {
		return authz.Role{}, authz.ErrRoleNotFound
	}
	return own[0], nil
}

func (r *Roles) own(ctx context.Context, t tenant.ID, limit int, match ...predicate.Role) ([]authz.Role, error) {
	rows, err := r.client.Role.Query().Where(append(match, entrole.TenantID(t))...).
		Order(entrole.ByID(sql.OrderAsc())).Limit(limit).All(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Name
	}
	rules, err := r.rules(ctx, entrule.TenantID(t), entrule.Ptype(permissionRule), entrule.V0In(names...))
	if err != nil {
		return nil, err
	}
	roles := make([]authz.Role, len(rows))
	for i, row := range rows {
		roles[i] = toRole(row, rules)
	}
	return roles, nil
}

func toRole(row *ent.Role, rules []rule) authz.Role {
	role := authz.Role{
		ID: row.ID, Name: row.Name, Description: row.Description, Version: row.Version, Permissions: []string{},
		CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
	}
	for _, r := range rules {
		switch {
		case r.role != row.Name:
		case r.when == "":
			role.Permissions = append(role.Permissions, r.pattern)
		default:
			role.Conditional = append(role.Conditional, authz.Grant{Permission: r.pattern, When: r.when})
		}
	}
	slices.Sort(role.Permissions)
	slices.SortFunc(role.Conditional, func(a, b authz.Grant) int {
		return cmp.Or(cmp.Compare(a.Permission, b.Permission), cmp.Compare(a.When, b.When))
	})
	return role
}
