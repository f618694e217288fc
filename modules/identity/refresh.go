package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// refreshToken is one link of the chain that keeps a session alive. All of a session's tokens are one family.
type refreshToken struct {
	ID        uuid.UUID
	SessionID uuid.UUID
	Hash      []byte // SHA-256 of the token
	CreatedAt time.Time
	ExpiresAt time.Time
	Used      bool
}

// newRefreshToken returns a token of 256 random bits, which only the client keeps, and its row.
func newRefreshToken(session uuid.UUID, expires time.Time) (secret string, t refreshToken, err error) {
	id, err := uuid.NewV7()
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the process instead
	secret = base64.RawURLEncoding.EncodeToString(raw)
	return secret, refreshToken{ID: id, SessionID: session, Hash: hashToken(secret), CreatedAt: now(), ExpiresAt: expires}, err
}

func hashToken(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// refresh trades a refresh token for the next tokens of its session. A token that was used before has been copied, by
// whom cannot be told: the whole session ends, and that is committed although the answer is an error.
func (i *identity) refresh(ctx context.Context, secret string) (Tokens, error) {
	ctx = tenant.System(ctx, "token refresh")
	t, err := i.sessions.tokenByHash(ctx, hashToken(secret))
	if err != nil {
		return Tokens{}, err
	}
	at := now()
	if !t.Used && !t.ExpiresAt.After(at) {
		return Tokens{}, identityapi.ErrRefreshExpired
	}
	var out Tokens
	reused := false
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		claimed, err := i.sessions.claim(ctx, t.ID, at)
		if err != nil {
			return err
		}
		if !claimed {
			reused = true
			return i.endFamily(ctx, t.SessionID)
		}
		out, err = i.rotate(ctx, t.SessionID, at)
		return err
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("refresh: %w", err)
	}
	if reused {
		return Tokens{}, identityapi.ErrRefreshReused
	}
	return out, nil
}

func (i *identity) rotate(ctx context.Context, session uuid.UUID, at time.Time) (Tokens, error) {
	s, alive, err := i.sessions.extend(ctx, session, at, at.Add(i.cfg.RefreshTTL))
	if err != nil {
		return Tokens{}, err
	}
	if !alive {
		return Tokens{}, identityapi.ErrRefreshInvalid
	}
	if err := i.mayAct(ctx, s); err != nil {
		return Tokens{}, err
	}
	out, err := i.issue(ctx, s)
	if err != nil {
		return Tokens{}, err
	}
	return out, i.trail.Record(ctx, audit.Entry{
		Action: "identity.session.refresh", Target: sessionTarget(s.ID), Tenant: s.TenantID, Actor: s.UserID,
	})
}

// mayAct says why the user of a session may no longer act in its tenant, or nil.
func (i *identity) mayAct(ctx context.Context, s Session) error {
	u, err := i.users.byID(ctx, s.UserID)
	if err != nil {
		return err
	}
	if u.DisabledAt != nil {
		return identityapi.ErrRefreshInvalid
	}
	memberships, err := i.tenants.of(ctx, s.UserID)
	if err != nil {
		return err
	}
	_, err = choose(memberships, s.TenantID.String())
	return err
}

func (i *identity) endFamily(ctx context.Context, session uuid.UUID) error {
	s, err := i.sessions.byID(ctx, session)
	if err != nil {
		return err
	}
	if err := i.end(ctx, session); err != nil {
		return err
	}
	return i.trail.Record(ctx, audit.Entry{
		Action: "identity.session.refresh_reused", Target: sessionTarget(session), Outcome: audit.Denied,
		Tenant: s.TenantID, Actor: s.UserID,
	})
}
