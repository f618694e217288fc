package identity

import (
	"context"
	stdsql "database/sql"
	"errors"

	"entgo.io/ent/dialect/sql"

	"github.com/yourorg/platform/modules/identity/internal/ent"
	entserverkey "github.com/yourorg/platform/modules/identity/internal/ent/serverkey"
)

// serverKeys keeps what serverKey seals.
type serverKeys struct{ client *ent.Client }

func newServerKeys(c *ent.Client) *serverKeys { return &serverKeys{client: c} }

// find returns nil when there is none.
func (s *serverKeys) find(ctx context.Context, name string) ([]byte, error) {
	row, err := s.client.ServerKey.Get(ctx, name)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("find the server key", err)
	}
	return row.Sealed, nil
}

// keep stores a key unless there is one, and returns the one that is there.
func (s *serverKeys) keep(ctx context.Context, name string, sealed []byte) ([]byte, error) {
	err := s.client.ServerKey.Create().SetID(name).SetSealed(sealed).SetCreatedAt(now()).
		OnConflict(sql.ConflictColumns(entserverkey.FieldID), sql.DoNothing()).Exec(ctx)
	if err != nil && !errors.Is(err, stdsql.ErrNoRows) {
		return nil, wrap("keep the server key", err)
	}
	return s.find(ctx, name)
}
