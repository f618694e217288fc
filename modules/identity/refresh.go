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
	UsedAt    *time.Time
}

// newRefreshToken returns the first token of a family, 256 random bits which only the client keeps, and its row.
func newRefreshToken(session uuid.UUID, expires time.Time) (secret string, t refreshToken, err error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the process instead
	secret = base64.RawURLEncoding.EncodeToString(raw)
	t, err = refreshTokenOf(secret, session, expires)
	return secret, t, err
}

// refreshTokenOf is the row of a token.
func refreshTokenOf(secret string, session uuid.UUID, expires time.Time) (refreshToken, error) {
	id, err := uuid.NewV7()
	return refreshToken{ID: id, SessionID: session, Hash: hashToken(secret), CreatedAt: now(), ExpiresAt: expires}, err
}

func hashToken(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// offer is a refresh token as somebody sends it.
type offer struct {
	secret string
	cookie bool   // the browser has added it
	csrf   string // what shows then that the page meant to
}

// refresh trades a refresh token for the next tokens of its session. For a short while the same token returns the same
// next one again: requests cross each other, and answers get lost. Beyond that a token that was used before has been
// copied, by whom cannot be told: the whole session ends, and that is committed although the answer is an error.
func (i *identity) refresh(ctx context.Context, o offer) (Tokens, error) {
	ctx = tenant.System(ctx, "token refresh")
	t, err := i.sessions.tokenByHash(ctx, hashToken(o.secret))
	if err != nil {
		return Tokens{}, err
	}
	if err := i.meant(ctx, o, t.SessionID); err != nil {
		return Tokens{}, err
	}
	at := now()
	if t.UsedAt == nil && !t.ExpiresAt.After(at) {
		return Tokens{}, identityapi.ErrRefreshExpired
	}
	next, err := i.families.successor(ctx, o.secret)
	if err != nil {
		return Tokens{}, err
	}
	var out Tokens
	reused := false
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		claimed, err := i.sessions.claim(ctx, t.ID, at)
		if err != nil {
			return err
		}
		if !claimed {
			if reused, err = i.spent(ctx, t.ID, at); err != nil {
				return err
			}
			if reused {
				return i.endFamily(ctx, t.SessionID)
			}
		}
		out, err = i.rotate(ctx, t.SessionID, rotation{next: next, fresh: claimed, cookie: o.cookie}, at)
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

// spent tells whether a used token is past its grace. Within it the token is good whatever became of its successor: one
// tab may be two refreshes ahead of another that has just woken up.
func (i *identity) spent(ctx context.Context, token uuid.UUID, at time.Time) (bool, error) {
	t, err := i.sessions.token(ctx, token)
	if err != nil {
		return false, err
	}
	return t.UsedAt == nil || at.Sub(*t.UsedAt) >= i.families.grace, nil // a clock that is behind is no reason to refuse
}

// rotation is a refresh token that follows another one.
type rotation struct {
	next   string
	fresh  bool // it is not kept yet
	cookie bool
}

// rotate makes the next tokens of a session.
func (i *identity) rotate(ctx context.Context, session uuid.UUID, r rotation, at time.Time) (Tokens, error) {
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
	out, err := i.access(ctx, s, r.cookie)
	if err != nil {
		return Tokens{}, err
	}
	if out.Refresh = r.next; r.fresh {
		t, err := refreshTokenOf(r.next, s.ID, s.ExpiresAt)
		if err != nil {
			return Tokens{}, err
		}
		if err := i.sessions.insertToken(ctx, t); err != nil {
			return Tokens{}, err
		}
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
	_, alive, err := i.sessions.current(ctx, session, now())
	if err != nil {
		return err
	}
	if err := i.end(ctx, session); err != nil {
		return err
	}
	if alive { // once: whoever has the old token can send it any number of times
		if err := i.families.warn(ctx, i.users, s); err != nil {
			return err
		}
	}
	return i.trail.Record(ctx, audit.Entry{
		Action: "identity.session.refresh_reused", Target: sessionTarget(session), Outcome: audit.Denied,
		Tenant: s.TenantID, Actor: s.UserID,
	})
}
