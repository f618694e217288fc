package blog

import (
	"context"
	stdsql "database/sql"
	"errors"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/blog/internal/ent"
	entfollower "github.com/yourorg/platform/modules/blog/internal/ent/follower"
	"github.com/yourorg/platform/pkg/tenant"
)

// followers are the members who want to hear of new posts.
type followers struct{ client *ent.Client }

var _ tenant.MemberEraser = (*followers)(nil)

func newFollowers(c *ent.Client) *followers { return &followers{client: c} }

// follow may be said again and again.
func (f *followers) follow(ctx context.Context, user uuid.UUID) error {
	err := f.client.Follower.Create().SetUserID(user).SetCreatedAt(time.Now().UTC().Truncate(time.Microsecond)).
		OnConflict(sql.ConflictColumns(entfollower.FieldTenantID, entfollower.FieldUserID), sql.DoNothing()).Exec(ctx)
	if errors.Is(err, stdsql.ErrNoRows) { // nothing was inserted
		return nil
	}
	return err
}

func (f *followers) unfollow(ctx context.Context, user uuid.UUID) error {
	_, err := f.client.Follower.Delete().Where(entfollower.UserID(user)).Exec(ctx)
	return err
}

func (f *followers) follows(ctx context.Context, user uuid.UUID) (bool, error) {
	return f.client.Follower.Query().Where(entfollower.UserID(user)).Exist(ctx)
}

// after lists followers in the order of their ids.
func (f *followers) after(ctx context.Context, user uuid.UUID, limit int) ([]uuid.UUID, error) {
	rows, err := f.client.Follower.Query().Where(entfollower.UserIDGT(user)).
		Order(entfollower.ByUserID()).Limit(limit).Select(entfollower.FieldUserID).All(ctx)
	if err != nil {
		return nil, err
	}
	users := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		users[i] = row.UserID
	}
	return users, nil
}

// EraseMember implements tenant.MemberEraser.
func (f *followers) EraseMember(ctx context.Context, _ tenant.ID, user uuid.UUID) error {
	return f.unfollow(ctx, user)
}

// erase implements the followers' part of tenant.Eraser.
func (f *followers) erase(ctx context.Context) (int, error) {
	ids, err := f.client.Follower.Query().Limit(eraseBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return f.client.Follower.Delete().Where(entfollower.IDIn(ids...)).Exec(ctx)
}
