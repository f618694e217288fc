package apikeys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/apikeys/apikeysapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tx"
	"github.com/yourorg/platform/pkg/web"
)

// apikeys is what the module can do with keys, whoever asks.
type apikeys struct {
	cfg        Config
	tx         tx.Runner
	store      *store
	authz      authz.Authorizer
	delegator  authz.Delegator
	principals auth.Principals
	revoker    auth.Revoker
}

func newAPIKeys(
	cfg Config, run tx.Runner, s *store, a authz.Authorizer, d authz.Delegator, p auth.Principals, r auth.Revoker,
) *apikeys {
	return &apikeys{cfg: cfg, tx: run, store: s, authz: a, delegator: d, principals: p, revoker: r}
}

// draft is what a new key is to be.
type draft struct {
	name        string
	personal    bool
	permissions []string
	networks    []string
	expires     *time.Time
}

// create makes a key. Its text is returned this once.
func (k *apikeys) create(ctx context.Context, c *auth.Caller, d draft) (Key, auth.KeyText, error) {
	key, err := k.begin(c, d)
	if err != nil {
		return Key{}, "", err
	}
	if err := k.authz.AuthorizeResource(ctx, apikeysapi.PermKeyCreate, key.attributes()); err != nil {
		return Key{}, "", err
	}
	if key.Permissions, err = k.delegator.Delegate(ctx, d.permissions, d.personal); err != nil {
		return Key{}, "", err
	}
	secret, text, err := newSecret(key.ID, key.CreatedAt)
	if err != nil {
		return Key{}, "", err
	}
	key.Secrets = []Secret{secret}
	err = k.tx.InTx(ctx, func(ctx context.Context) error {
		if d.personal {
			if _, key.MemberID, err = k.principals.MemberStanding(ctx, c.TenantID, c.UserID); err != nil {
				return err
			}
			if key.MemberID == uuid.Nil {
				return apikeysapi.ErrNotYours
			}
		}
		if err := k.room(ctx, key.UserID); err != nil {
			return err
		}
		return k.store.insert(ctx, key)
	})
	if err != nil {
		return Key{}, "", fmt.Errorf("create an API key: %w", err)
	}
	return key, text, nil
}

func (k *apikeys) begin(c *auth.Caller, d draft) (Key, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Key{}, err
	}
	key := Key{ID: id, CreatedBy: c.UserID, CreatedAt: now()}
	if d.personal {
		key.UserID = c.UserID
	}
	if err := key.rename(&d.name, &d.networks); err != nil {
		return Key{}, err
	}
	key.ExpiresAt, err = k.cfg.expiry(d.expires, key.CreatedAt)
	return key, err
}

// rename changes what can be changed of a key; nil stays as it is.
func (k *Key) rename(name *string, networks *[]string) error {
	var bad []problem.Field
	if name != nil {
		checked, fault := checkName(*name)
		if fault != nil {
			bad = append(bad, *fault)
		}
		k.Name = checked
	}
	if networks != nil {
		parsed, fault := parseNetworks(*networks)
		if fault != nil {
			bad = append(bad, *fault)
		}
		k.Networks = parsed
	}
	if len(bad) > 0 {
		return apikeysapi.ErrKeyInvalid.With(bad...)
	}
	return nil
}

// room answers ErrKeyLimit when the tenant, or the user, has as many keys as they may.
func (k *apikeys) room(ctx context.Context, user uuid.UUID) error {
	limit := k.cfg.MaxPerTenant
	if user != uuid.Nil {
		limit = k.cfg.MaxPerUser
	}
	n, err := k.store.count(ctx, user)
	if err == nil && n >= limit {
		err = apikeysapi.ErrKeyLimit.Detailf("There can be %d. Delete one first.", limit)
	}
	return err
}

// list returns what the caller may see, newest first: own personal keys, or all.
func (k *apikeys) list(ctx context.Context, c *auth.Caller, before uuid.UUID, limit int) ([]Key, error) {
	if err := k.authz.AuthorizeResource(ctx, apikeysapi.PermKeyRead, authz.OwnedBy(c.UserID)); err != nil {
		return nil, err
	}
	only := c.UserID
	switch err := k.authz.Authorize(ctx, apikeysapi.PermKeyRead); {
	case err == nil:
		only = uuid.Nil
	case problem.From(err).Kind != problem.Forbidden:
		return nil, err
	}
	return k.store.list(ctx, only, before, limit)
}

// read returns a key that the caller holds p for.
func (k *apikeys) read(ctx context.Context, id uuid.UUID, p perm.Permission) (Key, error) {
	key, err := k.store.byID(ctx, id)
	if err != nil {
		return Key{}, err
	}
	return key, k.authz.AuthorizeResource(ctx, p, key.attributes())
}

// change renames a key or moves it to other addresses, in the version that the caller has seen.
func (k *apikeys) change(
	ctx context.Context, c *auth.Caller, id uuid.UUID, seen web.Condition, name *string, networks *[]string,
) (key Key, err error) {
	err = k.edit(ctx, c, id, apikeysapi.PermKeyUpdate, func(ctx context.Context, found Key) error {
		if err := unchanged(found, seen); err != nil {
			return err
		}
		key = found
		if err := key.rename(name, networks); err != nil {
			return err
		}
		return k.store.update(ctx, key)
	})
	return key, err
}

// rotate gives a key a new text, which it returns. The one before works until the overlap is over.
func (k *apikeys) rotate(
	ctx context.Context, c *auth.Caller, id uuid.UUID, overlap time.Duration, expires *time.Time,
) (key Key, text auth.KeyText, err error) {
	err = k.edit(ctx, c, id, apikeysapi.PermKeyRotate, func(ctx context.Context, found Key) error {
		key = found
		wanted := make([]string, len(key.Permissions))
		for i, p := range key.Permissions {
			wanted[i] = string(p)
		}
		if _, err := k.delegator.Delegate(ctx, wanted, key.personal()); err != nil {
			return err // whoever has the new text can do what the key can
		}
		at := now()
		if expires != nil {
			if key.ExpiresAt, err = k.cfg.expiry(expires, at); err != nil {
				return err
			}
		}
		if key.ExpiresAt != nil && !key.ExpiresAt.After(at) {
			return apikeysapi.ErrKeyExpired
		}
		var secret Secret
		if secret, text, err = newSecret(key.ID, at); err != nil {
			return err
		}
		end := at.Add(overlap)
		key.Secrets = slices.DeleteFunc(key.Secrets[:min(1, len(key.Secrets))], func(s Secret) bool {
			return overlap <= 0 || s.ExpiresAt != nil && !s.ExpiresAt.After(at)
		})
		for i := range key.Secrets {
			key.Secrets[i].ExpiresAt = &end
		}
		key.Secrets = append([]Secret{secret}, key.Secrets...)
		return k.store.replace(ctx, key)
	})
	return key, text, err
}

// edit runs fn on a key that the caller may change, in a transaction in which nobody else changes it.
func (k *apikeys) edit(
	ctx context.Context, c *auth.Caller, id uuid.UUID, p perm.Permission, fn func(context.Context, Key) error,
) error {
	err := k.tx.InTx(ctx, func(ctx context.Context) error {
		if err := k.store.lock(ctx, id); err != nil {
			return err
		}
		key, err := k.read(ctx, id, p)
		if err != nil {
			return err
		}
		if key.personal() && key.UserID != c.UserID {
			return apikeysapi.ErrNotYours
		}
		if err := fn(ctx, key); err != nil {
			return err
		}
		return k.revoker.RecheckKey(ctx, id)
	})
	if err != nil {
		return fmt.Errorf("change an API key: %w", err)
	}
	return nil
}

// remove deletes a key with all its secrets, in the version that the caller has seen.
func (k *apikeys) remove(ctx context.Context, id uuid.UUID, seen web.Condition) error {
	err := k.tx.InTx(ctx, func(ctx context.Context) error {
		if err := k.store.lock(ctx, id); err != nil {
			return err
		}
		key, err := k.read(ctx, id, apikeysapi.PermKeyDelete)
		if err != nil {
			return err
		}
		if err := unchanged(key, seen); err != nil {
			return err
		}
		if err := k.store.delete(ctx, id); err != nil {
			return err
		}
		return k.revoker.RecheckKey(ctx, id)
	})
	if err != nil {
		return fmt.Errorf("delete an API key: %w", err)
	}
	return nil
}

// unchanged answers ErrKeyChanged unless the key, which is locked, is the one that the caller has seen.
func unchanged(k Key, seen web.Condition) error {
	tag, err := etag(k)
	if err == nil && !seen.HoldsFor(tag) {
		err = apikeysapi.ErrKeyChanged
	}
	return err
}
