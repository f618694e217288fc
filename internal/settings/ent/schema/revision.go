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

// Revision is one row of settings_revisions: how often the choices of a tenant, or of a user in it, have changed. Changes
// take turns by its lock, and If-Match is held against it.
type Revision struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Revision) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Revision) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("settings_revisions")}
}

// Fields are the columns. The zero user stands for the tenant itself.
func (Revision) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Int("version"),
	}
}

// Indexes keep a revision single.
func (Revision) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_id").Unique().StorageKey("settings_revisions_user"),
	}
}
