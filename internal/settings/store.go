package settings

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/settings/ent"
	ententry "github.com/yourorg/platform/internal/settings/ent/entry"
	entrevision "github.com/yourorg/platform/internal/settings/ent/revision"
	"github.com/yourorg/platform/pkg/settings"
)

// read returns what somebody has chosen, in the tenant of ctx. The version comes first: one that is too old only fails
// an If-Match that could have passed.
func (r *Registry) read(ctx context.Context, id scopeID) (*scope, error) {
	s := &scope{id: id, values: map[string]any{}}
	revision, err := r.client.Revision.Query().Where(entrevision.UserID(id.user)).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return nil, err
	}
	if revision != nil {
		s.version = revision.Version
	}
	rows, err := r.client.Entry.Query().Where(ententry.UserID(id.user)).All(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if value, ok := r.kept(row); ok {
			s.values[row.Key] = value
		}
	}
	return s, nil
}

// kept is the value of a row. What its definition does not accept any more does not count: a release may have narrowed
// the rules. Neither does what belongs to a module that is switched off, and that comes back with it.
func (r *Registry) kept(row *ent.Entry) (any, bool) {
	d, ok := r.byKey[row.Key]
	if !ok {
		return nil, false
	}
	if d.Type == settings.Secret {
		return sealed(row.Sealed), len(row.Sealed) > 0
	}
	var plain any
	err := json.Unmarshal(row.Value, &plain)
	if err == nil {
		plain, err = d.Parse(plain)
	}
	if err != nil {
		r.log.Warn("a setting that is kept is not acceptable any more and does not count",
			zap.String("key", row.Key), zap.Stringer("tenant_id", row.TenantID), zap.Stringer("user_id", row.UserID), zap.Error(err))
		return nil, false
	}
	return plain, true
}

// lock makes changes of one scope take turns until the transaction ends. A unique violation would abort a transaction on
// Postgres, so a revision that is there is passed over by the statement itself.
func (r *Registry) lock(ctx context.Context, id scopeID) error {
	fresh, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make an id: %w", err)
	}
	err = r.client.Revision.Create().SetID(fresh).SetUserID(id.user).SetVersion(0).
		OnConflict(sql.ConflictColumns(entrevision.FieldTenantID, entrevision.FieldUserID), sql.DoNothing()).Exec(ctx)
	if err != nil && !errors.Is(err, stdsql.ErrNoRows) {
		return err
	}
	_, err = r.client.Revision.Query().Where(entrevision.UserID(id.user), func(s *sql.Selector) {
		if s.Dialect() == dialect.Postgres { // SQLite has one writer at a time
			s.ForUpdate()
		}
	}).OnlyID(ctx)
	if ent.IsNotFound(err) { // the user is being erased
		return errUnavailable.Wrap(err)
	}
	return err
}

// advance counts a change and tells the replicas.
func (r *Registry) advance(ctx context.Context, id scopeID) error {
	if err := r.client.Revision.Update().Where(entrevision.UserID(id.user)).AddVersion(1).Exec(ctx); err != nil {
		return err
	}
	return r.announce(ctx, id)
}

// announce makes a change count, here once the transaction in ctx commits and elsewhere by the feed.
func (r *Registry) announce(ctx context.Context, id scopeID) error {
	if err := r.feed.Announce(ctx, Topic, id.String()); err != nil {
		return fmt.Errorf("announce a change of settings: %w", err)
	}
	return nil
}

// write keeps one value, or removes what is kept when it is nil. It reports whether that changed anything.
func (r *Registry) write(ctx context.Context, before *scope, d definition, value any) (bool, error) {
	row := before.id.row(d.Key)
	if value == nil {
		n, err := r.client.Entry.Delete().Where(ententry.ID(row)).Exec(ctx)
		return n > 0, err
	}
	plain, box, err := r.encode(before.id, d, value)
	if err != nil {
		return false, err
	}
	kept, err := r.client.Entry.Query().Where(ententry.ID(row)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		create := r.client.Entry.Create().SetID(row).SetUserID(before.id.user).SetKey(d.Key)
		if d.Type == settings.Secret {
			return true, create.SetSealed(box).Exec(ctx)
		}
		return true, create.SetValue(plain).Exec(ctx)
	case err != nil:
		return false, err
	case d.Type == settings.Secret: // the same one may come as often as it likes: it is new each time
		return true, r.client.Entry.UpdateOneID(kept.ID).SetSealed(box).ClearValue().Exec(ctx)
	}
	if now, ok := before.get(d.Key); ok && same(d, now, value) {
		return false, nil
	}
	return true, r.client.Entry.UpdateOneID(kept.ID).SetValue(plain).ClearSealed().Exec(ctx)
}

func (r *Registry) encode(id scopeID, d definition, value any) (plain json.RawMessage, box []byte, err error) {
	if d.Type == settings.Secret {
		box, err = r.sealer.Seal([]byte(reveal(value)), purpose(id, d.Key))
		return nil, box, err
	}
	plain, err = json.Marshal(d.Plain(value))
	return plain, nil, err
}
