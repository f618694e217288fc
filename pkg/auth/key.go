package auth

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
)

// ErrSessionRequired is the answer to a key, or a token that was issued for one, where only a person may act.
var ErrSessionRequired = problem.New(problem.Forbidden, "identity.session_required", "Only somebody who has signed in can do this")

// Key limits a caller who uses an API key, or a token that was issued for one. It never changes.
type Key struct {
	ID       uuid.UUID
	SecretID uuid.UUID // which of the key's secrets is used
	Personal bool      // it acts as its user; otherwise the key itself is the one who acts

	permissions map[perm.Permission]struct{}
	narrowed    bool
}

// NewKey returns a key that lists permissions.
func NewKey(id, secret uuid.UUID, personal bool, permissions ...perm.Permission) *Key {
	k := &Key{ID: id, SecretID: secret, Personal: personal, permissions: make(map[perm.Permission]struct{}, len(permissions))}
	for _, p := range permissions {
		k.permissions[p] = struct{}{}
	}
	return k
}

// Lists tells whether the key may be used for p. A personal key also needs a user who holds it.
func (k *Key) Lists(p perm.Permission) bool {
	_, listed := k.permissions[p]
	return listed
}

// Permissions are those that the key lists, sorted.
func (k *Key) Permissions() []perm.Permission {
	all := make([]perm.Permission, 0, len(k.permissions))
	for p := range k.permissions {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// Narrow returns the key with those of its permissions that are among only.
func (k *Key) Narrow(only ...perm.Permission) *Key {
	both := slices.DeleteFunc(slices.Clone(only), func(p perm.Permission) bool { return !k.Lists(p) })
	narrow := NewKey(k.ID, k.SecretID, k.Personal, both...)
	narrow.narrowed = true
	return narrow
}

// Narrowed tells whether the key was made by Narrow.
func (k *Key) Narrowed() bool { return k.narrowed }

// KeyRecord is what is kept of one secret of an API key.
type KeyRecord struct {
	ID          uuid.UUID // of the key
	SecretID    uuid.UUID
	Hash        []byte // KeyText.Hash of the secret
	TenantID    uuid.UUID
	UserID      uuid.UUID // whose personal key it is; zero for a tenant's
	MemberID    uuid.UUID // the membership for which a personal key was made: it does not outlive it
	Permissions []perm.Permission
	Networks    []netip.Prefix // from which it may be used; none means from everywhere
	ExpiresAt   time.Time      // of the key or of the secret, whichever is first; zero is never
}

// Keys finds API keys. A module implements it; without one, no key is accepted.
type Keys interface {
	// ByPrefix lists the secrets with a prefix that are there, expired ones too. It is asked about what strangers send.
	ByPrefix(ctx context.Context, prefix string) ([]KeyRecord, error)

	// BySecret finds a secret; none when it is there no longer.
	BySecret(ctx context.Context, id uuid.UUID) ([]KeyRecord, error)

	// Used tells that a key is being used. It is called about once a minute while that goes on, and returns at once: it
	// must not wait for the database.
	Used(key uuid.UUID, ip string)
}

// Principals knows who may act in a tenant. Identity implements it.
type Principals interface {
	// TenantStanding says whether anybody may act in the tenant now.
	TenantStanding(ctx context.Context, tenant uuid.UUID) (Standing, error)

	// MemberStanding says whether user may act in the tenant now, and by which membership.
	MemberStanding(ctx context.Context, tenant, user uuid.UUID) (Standing, uuid.UUID, error)

	// Departed returns those of the memberships that have ended.
	Departed(ctx context.Context, memberships []uuid.UUID) ([]uuid.UUID, error)
}
