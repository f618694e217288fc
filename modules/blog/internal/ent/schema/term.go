package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tenant"
)

// Term is one row of blog_terms: a word that a post has. It follows from the post, so it is in no audit trail.
type Term struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Term) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Term) Annotations() []schema.Annotation { return []schema.Annotation{entsql.Table("blog_terms")} }

// Fields are the columns.
func (Term) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.UUID("post_id", uuid.UUID{}).Immutable(),
		field.String("term").Immutable(),
	}
}

// Indexes serve a search, and the renewal of a post's words.
func (Term) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "term", "post_id").StorageKey("blog_terms_term"),
		index.Fields("tenant_id", "post_id", "term").Unique().StorageKey("blog_terms_post"),
	}
}

// Follower is one row of blog_followers: a member who wants to hear of new posts.
type Follower struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Follower) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Follower) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("blog_followers")}
}

// Fields are the columns.
func (Follower) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Indexes serve the pages of followers.
func (Follower) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "user_id").Unique().StorageKey("blog_followers_user")}
}
