// Package schema describes the tables of the outbox.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Event is what was published. Its id is a UUIDv7, so that it tells the time as well.
type Event struct{ ent.Schema }

// Annotations names the table.
func (Event) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("outbox_events")}
}

// Fields are the columns. Zero ids stand for no tenant and for the platform itself.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.String("topic").Immutable(),
		field.Int("version").Immutable(),
		field.String("key").Immutable(),
		field.UUID("actor_id", uuid.UUID{}).Immutable(),
		field.String("request_id").Immutable(),
		field.String("trace").Immutable(),
		field.Text("data").Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Indexes serve the list of one tenant, and its erasure.
func (Event) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "id").StorageKey("outbox_events_tenant")}
}
