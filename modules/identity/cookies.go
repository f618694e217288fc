package identity

import (
	"context"
	"crypto/subtle"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/web"
)

// meant refuses a refresh token from a cookie without the CSRF token of its session.
func (i *identity) meant(ctx context.Context, o offer, session uuid.UUID) error {
	want, err := i.csrf(ctx, session, o.cookie)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(o.csrf)) != 1 {
		return web.ErrCSRF
	}
	return nil
}

// csrfOf returns the CSRF token of the session that a refresh token belongs to, for a page that has forgotten it. It
// changes nothing.
func (i *identity) csrfOf(ctx context.Context, secret string) (string, error) {
	ctx = tenant.System(ctx, "CSRF token")
	t, err := i.sessions.tokenByHash(ctx, hashToken(secret))
	if err != nil {
		return "", err
	}
	_, alive, err := i.sessions.current(ctx, t.SessionID, now())
	if err != nil {
		return "", fmt.Errorf("look for the session: %w", err)
	}
	if !alive || t.UsedAt != nil {
		return "", identityapi.ErrRefreshInvalid
	}
	return i.csrf(ctx, t.SessionID, true)
}
