package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Delivery is an event that a subscriber has not handled yet. The ids rise in the order in which the transactions
// committed, as far as one waited for another.
type Delivery struct{ ent.Schema }

// Annotations names the table.
func (Delivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("outbox_deliveries")}
}

// Fields are the columns. The event's tenant and key are repeated, because deliveries are chosen by them.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.UUID("event_id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.String("subscriber").Immutable(),
		field.Int("lane").Immutable(),
		field.String("key").Immutable(),
		field.Int("state"),
		field.Int("attempts"),
		field.Int64("next_ms"),
		field.Text("error"),
		field.Int64("changed_ms"),
	}
}

// Indexes serve, in this order: what is ready of one tenant in one lane; what is due again; what holds up its key; what
// was given up on; what a broker holds; what it is sent again; what is left of an event.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("subscriber", "lane", "tenant_id", "id").StorageKey("outbox_deliveries_ready").
			Annotations(entsql.IndexWhere("state = 0")),
		index.Fields("next_ms").StorageKey("outbox_deliveries_waiting").Annotations(entsql.IndexWhere("state = 1")),
		index.Fields("subscriber", "tenant_id", "key", "id").StorageKey("outbox_deliveries_held").
			Annotations(entsql.IndexWhere("state = 1")),
		index.Fields("id").StorageKey("outbox_deliveries_parked").Annotations(entsql.IndexWhere("state = 2")),
		index.Fields("subscriber", "state", "tenant_id", "key", "id").StorageKey("outbox_deliveries_sent").
			Annotations(entsql.IndexWhere("state >= 3")),
		index.Fields("next_ms").StorageKey("outbox_deliveries_resend").Annotations(entsql.IndexWhere("state >= 3")),
		index.Fields("event_id", "subscriber").Unique().StorageKey("outbox_deliveries_event"),
	}
}
