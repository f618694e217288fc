package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/page"
)

func (h *handler) ListInvitations(ctx context.Context, r api.ListInvitationsRequestObject) (api.ListInvitationsResponseObject, error) {
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	size := page.Size(r.Params.Limit)
	list, err := h.inviting.invitations.list(ctx, before, size+1)
	if err != nil {
		return nil, err
	}
	list, next := page.Cut(list, size, func(i Invitation) uuid.UUID { return i.ID })
	items := make([]api.Invitation, len(list))
	for n, i := range list {
		items[n] = toAPIInvitation(i)
	}
	return api.ListInvitations200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) CreateInvitation(ctx context.Context, r api.CreateInvitationRequestObject) (api.CreateInvitationResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	i, err := h.inviting.invite(ctx, caller, r.Body.Email, r.Body.Roles)
	if err != nil {
		return nil, err
	}
	location := "/api/v1/invitations/" + i.ID.String()
	return api.CreateInvitation201JSONResponse{
		Body: toAPIInvitation(i), Headers: api.CreateInvitation201ResponseHeaders{Location: &location},
	}, nil
}

func (h *handler) DeleteInvitation(ctx context.Context, r api.DeleteInvitationRequestObject) (api.DeleteInvitationResponseObject, error) {
	if err := h.inviting.invitations.delete(ctx, r.ID); err != nil {
		return nil, err
	}
	return api.DeleteInvitation204Response{}, nil
}

func (h *handler) ResendInvitation(ctx context.Context, r api.ResendInvitationRequestObject) (api.ResendInvitationResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	i, err := h.inviting.resend(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	return api.ResendInvitation200JSONResponse(toAPIInvitation(i)), nil
}

func (h *handler) AcceptInvitation(ctx context.Context, r api.AcceptInvitationRequestObject) (api.AcceptInvitationResponseObject, error) {
	caller, _ := auth.FromContext(ctx) // nil for who has not signed in
	a := acceptance{token: r.Body.Token, ip: clientOf(ctx).ip}
	if r.Body.Name != nil {
		a.name = *r.Body.Name
	}
	if r.Body.Password != nil {
		a.password = *r.Body.Password
	}
	u, t, err := h.inviting.accept(ctx, caller, a)
	if err != nil {
		return nil, err
	}
	return api.AcceptInvitation200JSONResponse{User: toAPIUser(u), Tenant: toAPITenant(t)}, nil
}

func toAPIInvitation(i Invitation) api.Invitation {
	return api.Invitation{
		ID: i.ID, Email: i.Email, Roles: i.Roles, InvitedBy: i.InvitedBy, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	}
}
