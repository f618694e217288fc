// Package schema describes the tables of the notifications.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Notification is one row of notify_notifications. Zero ids stand for no tenant and for nobody who is known. There is no
// tenant mixin, because what is sent outside any tenant lies here too.
type Notification struct{ ent.Schema }

// Annotations names the table.
func (Notification) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("notify_notifications")}
}

// Fields are the columns. What is sealed is what it says and to whom; it is gone when it has been delivered or has expired.
func (Notification) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.String("template").Immutable(),
		field.String("category").Immutable(),
		field.String("locale").Immutable(),
		field.Bytes("sealed").Optional().Sensitive(),
		field.Time("expires_at").Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Indexes serve the list of one tenant, what is left of a user, and what has expired.
func (Notification) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_id", "id").StorageKey("notify_notifications_tenant"),
		index.Fields("expires_at").StorageKey("notify_notifications_open").Annotations(entsql.IndexWhere("sealed IS NOT NULL")),
	}
}

// Delivery is one row of notify_deliveries: one way that a notification goes.
type Delivery struct{ ent.Schema }

// Annotations names the table.
func (Delivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("notify_deliveries")}
}

// Fields are the columns. The recipient is a user, or made of an address.
func (Delivery) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.UUID("notification_id", uuid.UUID{}).Immutable(),
		field.UUID("recipient_id", uuid.UUID{}).Immutable(),
		field.String("channels").Immutable(), // separated by |, in the order in which they are tried
		field.Int("position"),                // of the one that is tried
		field.Int("attempts"),                // on that one
		field.String("state"),
		field.String("why"),
		field.String("provider_id"),
		field.Time("due_at"),
		field.Time("changed_at"),
	}
}

// Indexes find those of a notification, and what is held for a recipient.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("notification_id").StorageKey("notify_deliveries_notification"),
		index.Fields("tenant_id", "id").StorageKey("notify_deliveries_tenant"),
		index.Fields("state", "tenant_id", "recipient_id", "due_at").StorageKey("notify_deliveries_state"),
	}
}

// Attempt is one row of notify_attempts: one try on one channel.
type Attempt struct{ ent.Schema }

// Annotations names the table.
func (Attempt) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("notify_attempts")}
}

// Fields are the columns.
func (Attempt) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.UUID("delivery_id", uuid.UUID{}).Immutable(),
		field.String("channel").Immutable(),
		field.String("state").Immutable(),
		field.String("why").Immutable(),
		field.Bool("permanent").Immutable(),
		field.String("provider_id").Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Indexes find those of a delivery and of a tenant, and the latest of a channel.
func (Attempt) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("delivery_id").StorageKey("notify_attempts_delivery"),
		index.Fields("tenant_id", "id").StorageKey("notify_attempts_tenant"),
		index.Fields("created_at").StorageKey("notify_attempts_time"),
	}
}
