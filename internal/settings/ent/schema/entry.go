// Package schema describes the tables of the settings.
package schema

import (
	"encoding/json"
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// Entry is one row of settings_values: what a tenant, or a user in it, has chosen for one key.
type Entry struct{ ent.Schema }

// Mixin keeps every query inside one tenant, and every change in the audit trail.
func (Entry) Mixin() []ent.Mixin {
	return []ent.Mixin{tenant.Mixin{}, audit.Mixin{Entity: "settings.value"}}
}

// Annotations names the table.
func (Entry) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("settings_values")}
}

// Fields are the columns. The id is made of the others, <tenant>/<user>/<key>, so that the audit trail, which shows what
// changed in a row, names them. The zero user stands for the tenant itself: NULL would not be unique.
func (Entry) Fields() []ent.Field {
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	return []ent.Field{
		field.String("id").Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.String("key").Immutable(),
		field.JSON("value", json.RawMessage{}).Optional(),
		field.Bytes("sealed").Optional().Comment("a secret, instead of a value"),
		field.Time("updated_at").Default(now).UpdateDefault(now).Annotations(audit.Ignored()),
	}
}

// Indexes find what one user has chosen, here and everywhere.
func (Entry) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_id", "key").Unique().StorageKey("settings_values_key"),
	}
}
