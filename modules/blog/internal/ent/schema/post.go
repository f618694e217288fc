// Package schema describes the tables of the blog.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// Post is one row of blog_posts.
type Post struct{ ent.Schema }

// Mixin keeps every query inside one tenant, and every change in the audit trail.
func (Post) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}, audit.Mixin{Entity: "blog.post"}} }

// Annotations names the table.
func (Post) Annotations() []schema.Annotation { return []schema.Annotation{entsql.Table("blog_posts")} }

// Fields are the columns.
func (Post) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("title"),
		field.String("slug"),
		field.String("content").SchemaType(map[string]string{"postgres": "text"}),
		field.Enum("status").Values("draft", "published"),
		field.UUID("author_id", uuid.UUID{}).Immutable(),
		field.Int("version"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
		field.Time("published_at").Optional().Nillable(),
	}
}

// Indexes begin with the tenant, as every unique index must.
func (Post) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "slug").Unique(),
		index.Fields("tenant_id", "id"),
		index.Fields("published_at").StorageKey("post_published_at"), // across tenants, for the nightly digest
	}
}
