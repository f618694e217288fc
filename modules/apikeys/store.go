package apikeys

import (
	"context"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/apikeys/apikeysapi"
	"github.com/yourorg/platform/modules/apikeys/internal/ent"
	entkey "github.com/yourorg/platform/modules/apikeys/internal/ent/key"
	entsecret "github.com/yourorg/platform/modules/apikeys/internal/ent/secret"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
)

// store keeps keys and their secrets. The schema's mixin keeps it inside the tenant.
type store struct {
	client *ent.Client
	uses   *uses
}

var _ tenant.Eraser = (*store)(nil)

const batch = 500

func newStore(c *ent.Client) *store {
	s := &store{client: c}
	s.uses = newUses(s.touch)
	return s
}

// insert keeps a key with its first secret.
func (s *store) insert(ctx context.Context, k Key) error {
	row := s.client.Key.Create().SetID(k.ID).SetName(k.Name).SetPermissions(joinPermissions(k.Permissions)).
		SetNetworks(join(k.Networks)).SetCreatedBy(k.CreatedBy).SetCreatedAt(k.CreatedAt).SetNillableExpiresAt(k.ExpiresAt)
	if k.personal() {
		row.SetUserID(k.UserID).SetMemberID(k.MemberID)
	}
	if err := row.Exec(ctx); err != nil {
		return fmt.Errorf("insert key: %w", err)
	}
	return s.insertSecret(ctx, k.Secrets[0])
}

func (s *store) insertSecret(ctx context.Context, n Secret) error {
	err := s.client.Secret.Create().SetID(n.ID).SetKeyID(n.KeyID).SetPrefix(n.Prefix).SetHash(n.Hash).
		SetCreatedAt(n.CreatedAt).SetNillableExpiresAt(n.ExpiresAt).Exec(ctx)
	if err != nil {
		return fmt.Errorf("insert secret: %w", err)
	}
	return nil
}

// count counts the keys of a user, or those of the tenant itself. Whoever else counts those waits, if there are any.
func (s *store) count(ctx context.Context, user uuid.UUID) (int, error) {
	of := entkey.UserIDIsNil()
	if user != uuid.Nil {
		of = entkey.UserID(user)
	}
	if _, err := s.client.Key.Query().Where(of, locked).Order(entkey.ByID()).Limit(1).IDs(ctx); err != nil {
		return 0, fmt.Errorf("count keys: %w", err)
	}
	n, err := s.client.Key.Query().Where(of).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count keys: %w", err)
	}
	return n, nil
}

// locked locks the row on Postgres. SQLite has one writer at a time.
func locked(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.ForUpdate()
	}
}

// lock keeps others from changing a key until the transaction ends.
func (s *store) lock(ctx context.Context, id uuid.UUID) error {
	ids, err := s.client.Key.Query().Where(entkey.ID(id), locked).IDs(ctx)
	if err != nil {
		return fmt.Errorf("lock key: %w", err)
	}
	if len(ids) == 0 {
		return apikeysapi.ErrKeyNotFound
	}
	return nil
}

func (s *store) byID(ctx context.Context, id uuid.UUID) (Key, error) {
	row, err := s.client.Key.Get(ctx, id)
	if ent.IsNotFound(err) {
		return Key{}, apikeysapi.ErrKeyNotFound.Wrap(err)
	}
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	keys, err := s.toKeys(ctx, []*ent.Key{row})
	if err != nil {
		return Key{}, err
	}
	return keys[0], nil
}

// list returns at most limit keys, newest first: of a user, or all when there is none.
func (s *store) list(ctx context.Context, user, before uuid.UUID, limit int) ([]Key, error) {
	q := s.client.Key.Query().Order(entkey.ByID(sql.OrderDesc())).Limit(limit)
	if user != uuid.Nil {
		q.Where(entkey.UserID(user))
	}
	if before != uuid.Nil {
		q.Where(entkey.IDLT(before))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return s.toKeys(ctx, rows)
}

func (s *store) update(ctx context.Context, k Key) error {
	row := s.client.Key.UpdateOneID(k.ID).SetName(k.Name).SetNetworks(join(k.Networks)).SetNillableExpiresAt(k.ExpiresAt)
	if err := row.Exec(ctx); err != nil {
		return fmt.Errorf("update key: %w", err)
	}
	return nil
}

// replace keeps the secrets of k, of which the first is new and another may be retiring, and no others.
func (s *store) replace(ctx context.Context, k Key) error {
	if err := s.update(ctx, k); err != nil {
		return err
	}
	kept := make([]uuid.UUID, len(k.Secrets))
	for i, one := range k.Secrets {
		kept[i] = one.ID
	}
	if _, err := s.client.Secret.Delete().Where(entsecret.KeyID(k.ID), entsecret.IDNotIn(kept...)).Exec(ctx); err != nil {
		return fmt.Errorf("end secrets: %w", err)
	}
	for _, one := range k.Secrets[1:] {
		if err := s.client.Secret.UpdateOneID(one.ID).SetNillableExpiresAt(one.ExpiresAt).Exec(ctx); err != nil {
			return fmt.Errorf("retire secret: %w", err)
		}
	}
	return s.insertSecret(ctx, k.Secrets[0])
}

func (s *store) delete(ctx context.Context, ids ...uuid.UUID) error {
	if _, err := s.client.Secret.Delete().Where(entsecret.KeyIDIn(ids...)).Exec(ctx); err != nil {
		return fmt.Errorf("delete secrets: %w", err)
	}
	if _, err := s.client.Key.Delete().Where(entkey.IDIn(ids...)).Exec(ctx); err != nil {
		return fmt.Errorf("delete keys: %w", err)
	}
	return nil
}

// Erase implements tenant.Eraser.
func (s *store) Erase(ctx context.Context, _ tenant.ID) (int, error) {
	ids, err := s.client.Secret.Query().Limit(batch).IDs(ctx)
	if err != nil {
		return 0, err
	}
	if len(ids) > 0 {
		return s.client.Secret.Delete().Where(entsecret.IDIn(ids...)).Exec(ctx)
	}
	if ids, err = s.client.Key.Query().Limit(batch).IDs(ctx); err != nil || len(ids) == 0 {
		return 0, err
	}
	return s.client.Key.Delete().Where(entkey.IDIn(ids...)).Exec(ctx)
}

func joinPermissions(list []perm.Permission) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = string(p)
	}
	return strings.Join(texts, " ")
}
