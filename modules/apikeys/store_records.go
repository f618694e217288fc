package apikeys

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/apikeys/internal/ent"
	entkey "github.com/yourorg/platform/modules/apikeys/internal/ent/key"
	"github.com/yourorg/platform/modules/apikeys/internal/ent/predicate"
	entsecret "github.com/yourorg/platform/modules/apikeys/internal/ent/secret"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
)

var _ auth.Keys = (*store)(nil)

// maxNamesakes bounds how many secrets with one prefix are compared. That there are two is a matter of ages.
const maxNamesakes = 10

// ByPrefix implements auth.Keys.
func (s *store) ByPrefix(ctx context.Context, prefix string) ([]auth.KeyRecord, error) {
	return s.records(ctx, entsecret.Prefix(prefix))
}

// BySecret implements auth.Keys.
func (s *store) BySecret(ctx context.Context, id uuid.UUID) ([]auth.KeyRecord, error) {
	return s.records(ctx, entsecret.ID(id))
}

// Used implements auth.Keys.
func (s *store) Used(key uuid.UUID, ip string) { s.uses.add(key, ip) }

func (s *store) records(ctx context.Context, where predicate.Secret) ([]auth.KeyRecord, error) {
	ctx = tenant.System(ctx, "key check")
	secrets, err := s.client.Secret.Query().Where(where).Limit(maxNamesakes).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("find secret: %w", err)
	}
	var records []auth.KeyRecord
	for _, one := range secrets {
		row, err := s.client.Key.Query().Where(entkey.ID(one.KeyID), entkey.TenantID(one.TenantID)).Only(ctx)
		if ent.IsNotFound(err) {
			continue // deleted a moment ago
		}
		if err != nil {
			return nil, fmt.Errorf("find key: %w", err)
		}
		k, err := toKey(row)
		if err != nil {
			return nil, err
		}
		records = append(records, auth.KeyRecord{
			ID: k.ID, SecretID: one.ID, Hash: one.Hash, TenantID: row.TenantID, UserID: k.UserID, MemberID: k.MemberID,
			Permissions: k.Permissions, Networks: k.Networks, ExpiresAt: earliest(row.ExpiresAt, one.ExpiresAt),
		})
	}
	return records, nil
}

// earliest is the first of two times, or zero when neither is there.
func earliest(a, b *time.Time) (first time.Time) {
	for _, t := range []*time.Time{a, b} {
		if t != nil && (first.IsZero() || t.Before(first)) {
			first = t.UTC()
		}
	}
	return first
}

// toKeys adds the secrets, the newest first.
func (s *store) toKeys(ctx context.Context, rows []*ent.Key) ([]Key, error) {
	keys, ids := make([]Key, len(rows)), make([]uuid.UUID, len(rows))
	for i, row := range rows {
		var err error
		if keys[i], err = toKey(row); err != nil {
			return nil, err
		}
		ids[i] = row.ID
	}
	secrets, err := s.client.Secret.Query().Where(entsecret.KeyIDIn(ids...)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list secrets: %w", err)
	}
	slices.SortFunc(secrets, func(a, b *ent.Secret) int { return strings.Compare(b.ID.String(), a.ID.String()) })
	for _, one := range secrets {
		i := slices.Index(ids, one.KeyID)
		keys[i].Secrets = append(keys[i].Secrets, Secret{
			ID: one.ID, KeyID: one.KeyID, Prefix: one.Prefix, Hash: one.Hash, CreatedAt: one.CreatedAt.UTC(), ExpiresAt: utc(one.ExpiresAt),
		})
	}
	return keys, nil
}

// toKey fails on a row whose networks cannot be read: without them the key would be open to everybody.
func toKey(row *ent.Key) (Key, error) {
	k := Key{
		ID: row.ID, Name: row.Name, CreatedBy: row.CreatedBy, CreatedAt: row.CreatedAt.UTC(), ExpiresAt: utc(row.ExpiresAt),
		LastUsedAt: utc(row.LastUsedAt), LastUsedIP: row.LastUsedIP,
	}
	if row.UserID != nil && row.MemberID != nil {
		k.UserID, k.MemberID = *row.UserID, *row.MemberID
	}
	for text := range strings.FieldsSeq(row.Networks) {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return Key{}, fmt.Errorf("read the networks of key %s: %w", row.ID, err)
		}
		k.Networks = append(k.Networks, n)
	}
	for text := range strings.FieldsSeq(row.Permissions) {
		k.Permissions = append(k.Permissions, perm.Permission(text))
	}
	return k, nil
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}

// touch notes when and from where keys were used, each at most once in usedEvery, whichever replicas see them.
func (s *store) touch(ctx context.Context, ids []uuid.UUID, ip string, at time.Time) error {
	return s.client.Key.Update().
		Where(entkey.IDIn(ids...), entkey.Or(entkey.LastUsedAtIsNil(), entkey.LastUsedAtLTE(at.Add(-usedEvery)))).
		SetLastUsedAt(at).SetLastUsedIP(ip).Exec(tenant.System(ctx, "key use"))
}

// expired lists keys that expired before a time.
func (s *store) expired(ctx context.Context, before time.Time) ([]uuid.UUID, error) {
	return s.client.Key.Query().Where(entkey.ExpiresAtLT(before)).Limit(batch).IDs(ctx)
}

// deleteRetired removes secrets whose overlap ended before a time.
func (s *store) deleteRetired(ctx context.Context, before time.Time) (int, error) {
	return s.client.Secret.Delete().Where(entsecret.ExpiresAtLT(before)).Exec(ctx)
}

// personal lists personal keys behind a key, in the order of their ids, as key → membership.
func (s *store) personal(ctx context.Context, after uuid.UUID) (keys []uuid.UUID, members []uuid.UUID, err error) {
	rows, err := s.client.Key.Query().Where(entkey.IDGT(after), entkey.MemberIDNotNil()).Order(entkey.ByID()).Limit(batch).All(ctx)
	for _, row := range rows {
		keys, members = append(keys, row.ID), append(members, *row.MemberID)
	}
	return keys, members, err
}
