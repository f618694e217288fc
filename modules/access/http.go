// Package access lets people see and change the roles of their tenant, and ask why somebody may do something. What it
// translates to HTTP is decided in the core, behind the ports of pkg/authz.
package access

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/access/internal/api"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/page"
	"github.com/yourorg/platform/pkg/web"
)

type handler struct {
	roles   authz.Roles
	editor  authz.RoleEditor
	catalog authz.Catalog
	explain authz.Explainer
}

func newHandler(r authz.Roles, e authz.RoleEditor, c authz.Catalog, x authz.Explainer) api.StrictServerInterface {
	return &handler{roles: r, editor: e, catalog: c, explain: x}
}

func (h *handler) ListRoles(ctx context.Context, r api.ListRolesRequestObject) (api.ListRolesResponseObject, error) {
	after, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	size := page.Size(r.Params.Limit)
	rows, err := h.roles.List(ctx, after, size+1)
	if err != nil {
		return nil, err
	}
	roles, next := page.Cut(rows, size, func(r authz.Role) uuid.UUID { return r.ID })
	items := make([]api.Role, len(roles))
	for i, role := range roles {
		items[i] = toAPI(role)
	}
	return api.ListRoles200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) CreateRole(ctx context.Context, r api.CreateRoleRequestObject) (api.CreateRoleResponseObject, error) {
	role, err := h.editor.Create(ctx, authz.RoleDraft{
		Name: r.Body.Name, Description: value(r.Body.Description), Permissions: r.Body.Permissions,
		Conditional: value(grants(r.Body.Conditional)),
	})
	if err != nil {
		return nil, err
	}
	tag, location := web.ETag(role.Version), place(role)
	return api.CreateRole201JSONResponse{
		Body: toAPI(role), Headers: api.CreateRole201ResponseHeaders{ETag: &tag, Location: &location},
	}, nil
}

func (h *handler) GetRole(ctx context.Context, r api.GetRoleRequestObject) (api.GetRoleResponseObject, error) {
	role, err := h.roles.ByID(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	tag := web.ETag(role.Version)
	return api.GetRole200JSONResponse{Body: toAPI(role), Headers: api.GetRole200ResponseHeaders{ETag: &tag}}, nil
}

func (h *handler) UpdateRole(ctx context.Context, r api.UpdateRoleRequestObject) (api.UpdateRoleResponseObject, error) {
	change := authz.RoleChange{
		Name: r.Body.Name, Description: r.Body.Description, Permissions: r.Body.Permissions, Conditional: grants(r.Body.Conditional),
		Accepts: web.IfMatch(r.Params.IfMatch).Holds,
	}
	role, err := h.editor.Change(ctx, r.ID, change)
	if err != nil {
		return nil, err
	}
	tag := web.ETag(role.Version)
	return api.UpdateRole200JSONResponse{Body: toAPI(role), Headers: api.UpdateRole200ResponseHeaders{ETag: &tag}}, nil
}

func (h *handler) DeleteRole(ctx context.Context, r api.DeleteRoleRequestObject) (api.DeleteRoleResponseObject, error) {
	removal := authz.RoleRemoval{Unassign: value(r.Params.Unassign), Accepts: web.IfMatch(r.Params.IfMatch).Holds}
	if err := h.editor.Delete(ctx, r.ID, removal); err != nil {
		return nil, err
	}
	return api.DeleteRole204Response{}, nil
}

func (h *handler) CloneRole(ctx context.Context, r api.CloneRoleRequestObject) (api.CloneRoleResponseObject, error) {
	original, err := h.roles.ByID(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	draft := authz.RoleDraft{
		Name: r.Body.Name, Description: original.Description, Permissions: original.Permissions, Conditional: original.Conditional,
	}
	if r.Body.Description != nil {
		draft.Description = *r.Body.Description
	}
	role, err := h.editor.Create(ctx, draft)
	if err != nil {
		return nil, err
	}
	tag, location := web.ETag(role.Version), place(role)
	return api.CloneRole201JSONResponse{
		Body: toAPI(role), Headers: api.CloneRole201ResponseHeaders{ETag: &tag, Location: &location},
	}, nil
}

func place(r authz.Role) string { return "/api/v1/roles/" + r.ID.String() }

func toAPI(r authz.Role) api.Role {
	out := api.Role{
		ID: r.ID, Name: r.Name, Description: r.Description, BuiltIn: r.BuiltIn, Permissions: r.Permissions,
		Conditional: make([]api.Conditional, len(r.Conditional)),
	}
	for i, g := range r.Conditional {
		out.Conditional[i] = api.Conditional{Permission: g.Permission, When: g.When}
	}
	if !r.BuiltIn {
		out.CreatedAt, out.UpdatedAt = instant(r.CreatedAt), instant(r.UpdatedAt)
	}
	return out
}

func instant(t time.Time) *time.Time {
	t = t.UTC()
	return &t
}

// grants are those of a body; nil when it says nothing about them.
func grants(from *api.Conditionals) *[]authz.Grant {
	if from == nil {
		return nil
	}
	to := make([]authz.Grant, len(*from))
	for i, c := range *from {
		to[i] = authz.Grant{Permission: c.Permission, When: c.When}
	}
	return &to
}

// value is what p points to, or the zero value.
func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
