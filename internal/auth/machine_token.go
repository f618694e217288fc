package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/perm"
)

// keyClaims are what the token of a tenant's key has instead of a session. A token with any of them is never one of a
// session, and one without never one of a key.
type keyClaims struct {
	KeyID    string  `json:"key_id,omitempty"`
	SecretID string  `json:"key_secret_id,omitempty"`
	Scope    *string `json:"scope,omitempty"` // the permissions of a narrowed token; otherwise the key's
}

func claimsOf(k *auth.Key) keyClaims {
	c := keyClaims{KeyID: k.ID.String(), SecretID: k.SecretID.String()}
	if k.Narrowed() {
		var b strings.Builder
		for i, p := range k.Permissions() {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(string(p))
		}
		scope := b.String()
		c.Scope = &scope
	}
	return c
}

// machine is the caller of a key's token. What the key permits is not known yet.
func (c *claims) machine() (*auth.Caller, error) {
	key, okKey := parseID(c.KeyID)
	secret, okSecret := parseID(c.SecretID)
	tenant, okTenant := parseID(c.TenantID)
	_, okID := parseID(c.ID)
	if !okKey || !okSecret || !okTenant || !okID || c.Subject != c.KeyID || c.SessionID != "" || len(c.Roles) > 0 || c.AuthenticatedAt != nil || c.CSRF != "" {
		return nil, ErrTokenMalformed.Wrap(errors.New("the claims are those of neither a session nor a key"))
	}
	k := auth.NewKey(key, secret, false)
	if c.Scope != nil {
		var scope []perm.Permission
		for p := range strings.FieldsSeq(*c.Scope) {
			scope = append(scope, perm.Permission(p))
		}
		k = auth.NewKey(key, secret, false, scope...).Narrow(scope...)
	}
	return &auth.Caller{UserID: key, TenantID: tenant, TokenID: c.ID, ExpiresAt: c.ExpiresAt.UTC(), Key: k}, nil
}

// lend remembers the token of a key that is good.
func (t *Tokens) lend(ctx context.Context, sum [sha256.Size]byte, c *auth.Caller) (*auth.Caller, error) {
	h, err := t.machines.lender(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.Key.Narrowed() {
		c.Key = h.caller.Key.Narrow(c.Key.Permissions()...)
	} else {
		c.Key = h.caller.Key
	}
	v := &verified{caller: *c}
	t.cache.Set(sum, v)
	return &v.caller, nil
}

// backed tells whether the key behind a token is still good. It is asked at every use.
func (t *Tokens) backed(ctx context.Context, c *auth.Caller) error {
	_, err := t.machines.lender(ctx, c)
	return err
}

// lender is the key that a token was issued for, held against what it may be used for now.
func (m *Machines) lender(ctx context.Context, c *auth.Caller) (*holder, error) {
	h, err := m.holder(ctx, c.Key.SecretID)
	if err != nil {
		return nil, err
	}
	if h.caller.Key.ID != c.Key.ID || h.caller.TenantID != c.TenantID || h.caller.Key.Personal {
		return nil, ErrTokenMalformed.Wrap(errors.New("it was issued for another key"))
	}
	return h, nil
}

// RecheckUser implements auth.Revoker.
func (t *Tokens) RecheckUser(ctx context.Context, id uuid.UUID) error {
	if id == uuid.Nil {
		return errors.New("recheck a user: the user must be given")
	}
	return t.feed.Announce(ctx, TopicUser, id.String())
}

// RecheckKey implements auth.Revoker.
func (t *Tokens) RecheckKey(ctx context.Context, id uuid.UUID) error {
	if id == uuid.Nil {
		return errors.New("recheck a key: the key must be given")
	}
	return t.feed.Announce(ctx, TopicKey, id.String())
}
