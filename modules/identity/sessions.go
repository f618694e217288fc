package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
)

// mySessions lists at most limit sessions of the caller, in all tenants, newest first.
func (i *identity) mySessions(ctx context.Context, c *auth.Caller, before uuid.UUID, limit int) ([]Session, error) {
	return i.sessions.ofUser(ctx, c.UserID, before, limit)
}

// revokeMine ends one session of the caller, who may be using it. It wants to be called in a transaction.
func (i *identity) revokeMine(ctx context.Context, c *auth.Caller, id uuid.UUID) error {
	s, err := i.sessions.owned(ctx, c.UserID, id)
	if err != nil {
		return err
	}
	return i.end(ctx, s.ID)
}

// revokeOthers ends all sessions of the caller but the one in use. It wants to be called in a transaction.
func (i *identity) revokeOthers(ctx context.Context, c *auth.Caller) error {
	return i.endAll(ctx, c.UserID, c.SessionID)
}
