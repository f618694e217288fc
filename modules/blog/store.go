package blog

import (
	"context"
	stdsql "database/sql"
	"errors"
	"slices"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/modules/blog/internal/ent"
	entpost "github.com/yourorg/platform/modules/blog/internal/ent/post"
	"github.com/yourorg/platform/modules/blog/internal/ent/predicate"
	"github.com/yourorg/platform/pkg/tenant"
)

// store keeps posts. Only the files store*.go know ent; the schema's mixin keeps them inside the tenant.
type store struct{ client *ent.Client }

const eraseBatch = 500

func newStore(c *ent.Client) *store { return &store{client: c} }

// summary is every column but the content.
var summary = slices.DeleteFunc(slices.Clone(entpost.Columns), func(c string) bool { return c == entpost.FieldContent })

// filter limits a listing; nil does not.
type filter struct {
	status *string
	author *uuid.UUID
	words  *string    // only published posts in which all of these words are
	before *uuid.UUID // only posts older than this one
	limit  int
}

// list returns posts without their content, newest first: UUIDv7 ids grow with time. Two hundred contents would be a
// burden on the database, the process and the client.
func (s *store) list(ctx context.Context, f filter) ([]Post, error) {
	q := s.client.Post.Query().Order(entpost.ByID(sql.OrderDesc())).Limit(f.limit)
	if f.status != nil {
		q.Where(entpost.StatusEQ(entpost.Status(*f.status)))
	}
	if f.author != nil {
		q.Where(entpost.AuthorID(*f.author))
	}
	if f.words != nil {
		id, _ := tenant.FromContext(ctx)
		q.Where(having(id, *f.words))
	}
	if f.before != nil {
		q.Where(entpost.IDLT(*f.before))
	}
	rows, err := q.Select(summary...).All(ctx)
	if err != nil {
		return nil, err
	}
	posts := make([]Post, len(rows))
	for i, row := range rows {
		posts[i] = toPost(row)
	}
	return posts, nil
}

func (s *store) byID(ctx context.Context, id uuid.UUID) (Post, error) {
	return s.one(ctx, entpost.ID(id))
}

// forChange is byID for a transaction that goes on to change the post: other changes wait until it ends, so that what
// was read still holds.
func (s *store) forChange(ctx context.Context, id uuid.UUID) (Post, error) {
	return s.one(ctx, entpost.ID(id), locked)
}

// locked locks the row on Postgres. SQLite has one writer at a time.
func locked(s *sql.Selector) {
	if s.Dialect() == dialect.Postgres {
		s.ForUpdate()
	}
}

func (s *store) one(ctx context.Context, where ...predicate.Post) (Post, error) {
	row, err := s.client.Post.Query().Where(where...).Only(ctx)
	if ent.IsNotFound(err) {
		return Post{}, blogapi.ErrPostNotFound.Wrap(err)
	}
	if err != nil {
		return Post{}, err
	}
	return toPost(row), nil
}

// insert reports false when another post has the slug. A unique violation would abort a Postgres transaction, so that
// no other slug could be tried; ON CONFLICT DO NOTHING does not, and touches no other row.
func (s *store) insert(ctx context.Context, p Post) (bool, error) {
	err := s.client.Post.Create().SetID(p.ID).SetTitle(p.Title).SetSlug(p.Slug).SetContent(p.Content).
		SetStatus(entpost.Status(p.Status)).SetAuthorID(p.AuthorID).SetVersion(p.Version).
		SetCreatedAt(p.CreatedAt).SetUpdatedAt(p.UpdatedAt).SetNillablePublishedAt(p.PublishedAt).
		OnConflict(sql.ConflictColumns(entpost.FieldTenantID, entpost.FieldSlug), sql.DoNothing()).
		Exec(ctx)
	if err != nil && !errors.Is(err, stdsql.ErrNoRows) {
		return false, err
	}
	return s.client.Post.Query().Where(entpost.ID(p.ID)).Exist(ctx)
}

// update replaces the version that was read; somebody else's change in between is ErrPostChanged.
func (s *store) update(ctx context.Context, version int, p Post) error {
	n, err := s.client.Post.Update().Where(entpost.ID(p.ID), entpost.Version(version)).
		SetTitle(p.Title).SetSlug(p.Slug).SetContent(p.Content).SetStatus(entpost.Status(p.Status)).
		SetVersion(p.Version).SetUpdatedAt(p.UpdatedAt).SetNillablePublishedAt(p.PublishedAt).
		Save(ctx)
	if err == nil && n == 0 {
		return blogapi.ErrPostChanged
	}
	if ent.IsConstraintError(err) { // the slug is the one unique rule that a change can break
		return blogapi.ErrSlugTaken.Wrap(err)
	}
	return err
}

func (s *store) delete(ctx context.Context, id uuid.UUID) error {
	err := s.client.Post.DeleteOneID(id).Exec(ctx)
	if ent.IsNotFound(err) {
		return blogapi.ErrPostNotFound.Wrap(err)
	}
	return err
}

// tenantsWithNews lists the tenants behind another that have published something in a time.
func (s *store) tenantsWithNews(ctx context.Context, since, until time.Time, after tenant.ID, limit int) ([]tenant.ID, error) {
	var rows []struct {
		ID tenant.ID `sql:"tenant_id"`
	}
	err := s.client.Post.Query().Where(entpost.StatusEQ(published), entpost.PublishedAtGTE(since), entpost.PublishedAtLT(until), entpost.TenantIDGT(after)).
		Order(entpost.ByTenantID()).Limit(limit).GroupBy(entpost.FieldTenantID).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	tenants := make([]tenant.ID, len(rows))
	for i, row := range rows {
		tenants[i] = row.ID
	}
	return tenants, nil
}

// titles lists what was published in a time, the oldest first.
func (s *store) titles(ctx context.Context, since, until time.Time, limit int) ([]string, error) {
	return s.client.Post.Query().Where(entpost.StatusEQ(published), entpost.PublishedAtGTE(since), entpost.PublishedAtLT(until)).
		Order(entpost.ByPublishedAt(), entpost.ByID()).Limit(limit).Select(entpost.FieldTitle).Strings(ctx)
}

// erase implements the posts' part of tenant.Eraser.
func (s *store) erase(ctx context.Context) (int, error) {
	ids, err := s.client.Post.Query().Limit(eraseBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return s.client.Post.Delete().Where(entpost.IDIn(ids...)).Exec(ctx)
}

func toPost(r *ent.Post) Post {
	return Post{
		ID: r.ID, Title: r.Title, Slug: r.Slug, Content: r.Content, Status: string(r.Status), AuthorID: r.AuthorID,
		Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, PublishedAt: r.PublishedAt,
	}
}
