package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
)

// decideMFA lets a caller decide whether members of their tenant need a second factor. Whoever requires it has given it
// in this very session, so that there is somebody who can take it back.
func (t *tenancy) decideMFA(ctx context.Context, c *auth.Caller, require bool) error {
	if err := t.access.Authorize(ctx, identityapi.PermTenantRequireMfa); err != nil {
		return err
	}
	action := "identity.tenant.waive_mfa"
	if require {
		action = "identity.tenant.require_mfa"
		if c.SessionID == uuid.Nil {
			return identityapi.ErrSessionRequired
		}
		s, err := t.sessions.byID(ctx, c.SessionID)
		if err != nil {
			return err
		}
		if !s.Proof.several() {
			return identityapi.ErrMFANotEnrolled
		}
	}
	return t.trail.Record(ctx, audit.Entry{Action: action, Target: tenantTarget(c.TenantID), Tenant: c.TenantID, Actor: c.UserID})
}
