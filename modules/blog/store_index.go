package blog

import (
	"context"

	"entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/blog/internal/ent"
	entpost "github.com/yourorg/platform/modules/blog/internal/ent/post"
	entterm "github.com/yourorg/platform/modules/blog/internal/ent/term"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	termsAtOnce  = 500 // rows in a statement
	wordsToQuery = 8   // of a search
)

// index finds posts by their words.
type index struct{ client *ent.Client }

func newIndex(c *ent.Client) *index { return &index{client: c} }

// replace makes terms the words of a post. It belongs in the transaction that has locked the post.
func (i *index) replace(ctx context.Context, post uuid.UUID, terms []string) error {
	if err := i.remove(ctx, post); err != nil {
		return err
	}
	for len(terms) > 0 {
		some := terms[:min(termsAtOnce, len(terms))]
		err := i.client.Term.MapCreateBulk(some, func(c *ent.TermCreate, n int) { c.SetPostID(post).SetTerm(some[n]) }).Exec(ctx)
		if err != nil {
			return err
		}
		terms = terms[len(some):]
	}
	return nil
}

func (i *index) remove(ctx context.Context, post uuid.UUID) error {
	_, err := i.client.Term.Delete().Where(entterm.PostID(post)).Exec(ctx)
	return err
}

// having keeps a query of posts to those with every word of q. One without any word finds nothing.
func having(id tenant.ID, q string) func(*sql.Selector) {
	words := termsOf(q)
	return func(s *sql.Selector) {
		if len(words) == 0 {
			s.Where(sql.False())
		}
		for _, word := range words[:min(wordsToQuery, len(words))] {
			t := sql.Table(entterm.Table)
			s.Where(sql.In(s.C(entpost.FieldID), sql.Select(t.C(entterm.FieldPostID)).From(t).
				Where(sql.And(sql.EQ(t.C(entterm.FieldTenantID), id), sql.EQ(t.C(entterm.FieldTerm), word)))))
		}
	}
}

// erase implements the index's part of tenant.Eraser.
func (i *index) erase(ctx context.Context) (int, error) {
	ids, err := i.client.Term.Query().Limit(10 * eraseBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return i.client.Term.Delete().Where(entterm.IDIn(ids...)).Exec(ctx)
}
