package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/page"
)

func (h *handler) ListMySessions(ctx context.Context, r api.ListMySessionsRequestObject) (api.ListMySessionsResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	before, err := page.After(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	limit := page.Size(r.Params.Limit)
	list, err := h.identity.mySessions(ctx, caller, before, limit+1)
	if err != nil {
		return nil, err
	}
	list, next := page.Cut(list, limit, func(s Session) uuid.UUID { return s.ID })
	items := make([]api.Session, len(list))
	for i, s := range list {
		items[i] = api.Session{
			ID: s.ID, Device: device(s.UserAgent), IP: s.IP, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt,
			Current: s.ID == caller.SessionID,
		}
	}
	return api.ListMySessions200JSONResponse{Items: items, NextCursor: next}, nil
}

func (h *handler) RevokeMySession(ctx context.Context, r api.RevokeMySessionRequestObject) (api.RevokeMySessionResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.identity.revokeMine(ctx, caller, r.ID); err != nil {
		return nil, err
	}
	return api.RevokeMySession204Response{}, nil
}

func (h *handler) RevokeMyOtherSessions(
	ctx context.Context, _ api.RevokeMyOtherSessionsRequestObject,
) (api.RevokeMyOtherSessionsResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.identity.revokeOthers(ctx, caller); err != nil {
		return nil, err
	}
	return api.RevokeMyOtherSessions204Response{}, nil
}
