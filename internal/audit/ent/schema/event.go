// Package schema describes the table of the audit trail.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Event is one row of audit_events. It does not use tenant.Mixin: what the platform does for no tenant has the zero
// tenant, and sign-in records for a tenant that its context does not have yet. The package names the tenant itself.
type Event struct{ ent.Schema }

// Annotations names the table.
func (Event) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "audit_events"}}
}

// Fields are the columns. Nothing can be changed; the table's triggers refuse it too. Rows from before the chain have
// no mac.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.Time("time").Immutable(),
		field.UUID("actor", uuid.UUID{}).Optional().Nillable().Immutable(),
		field.String("permission").Immutable(),
		field.String("target").Immutable(),
		field.Enum("outcome").Values("succeeded", "denied", "failed").Immutable(),
		field.String("ip").Immutable(),
		field.String("request_id").Immutable(),
		field.String("reason").Immutable(),
		field.String("changes").SchemaType(map[string]string{"postgres": "text"}).Optional().Nillable().Immutable(),
		field.Bytes("mac").Optional().Nillable().Immutable(),
	}
}

// Indexes serve the listing, newest first, of a tenant and of one actor in it.
func (Event) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "id").StorageKey("audit_events_tenant"),
		index.Fields("tenant_id", "actor", "id").StorageKey("audit_events_actor"),
	}
}
