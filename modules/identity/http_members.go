package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/page"
)

func (h *handler) ListMembers(ctx context.Context, r api.ListMembersRequestObject) (api.ListMembersResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	after, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	size := page.Size(r.Params.Limit)
	list, err := h.tenancy.listMembers(ctx, caller, after, size+1)
	if err != nil {
		return nil, err
	}
	list, next := page.Cut(list, size, func(m Member) uuid.UUID { return m.ID })
	items := make([]api.Member, len(list))
	for i, m := range list {
		items[i] = toAPIMember(m)
	}
	return api.ListMembers200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) UpdateMember(ctx context.Context, r api.UpdateMemberRequestObject) (api.UpdateMemberResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	m, err := h.tenancy.setRoles(ctx, caller, r.ID, r.Body.Roles)
	if err != nil {
		return nil, err
	}
	return api.UpdateMember200JSONResponse(toAPIMember(m)), nil
}

func (h *handler) RemoveMember(ctx context.Context, r api.RemoveMemberRequestObject) (api.RemoveMemberResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.tenancy.removeMember(ctx, caller, r.ID); err != nil {
		return nil, err
	}
	return api.RemoveMember204Response{}, nil
}

func (h *handler) LeaveTenant(ctx context.Context, _ api.LeaveTenantRequestObject) (api.LeaveTenantResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.tenancy.leave(ctx, caller); err != nil {
		return nil, err
	}
	return api.LeaveTenant204Response{}, nil
}

func toAPIMember(m Member) api.Member {
	return api.Member{
		UserID: m.UserID, Name: m.Name, Email: m.Email, Roles: append([]string{}, m.Roles...), JoinedAt: m.JoinedAt,
	}
}
