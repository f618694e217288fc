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

// Preference is one row of notify_preferences: what one recipient has chosen. There is no tenant mixin, because a mail
// that was sent outside any tenant can be unsubscribed from too.
type Preference struct{ ent.Schema }

// Annotations names the table.
func (Preference) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("notify_preferences")}
}

// Fields are the columns. The choices are JSON.
func (Preference) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.UUID("recipient_id", uuid.UUID{}).Immutable(),
		field.Text("choices"),
		field.Time("updated_at"),
	}
}

// Indexes keep one row for each recipient.
func (Preference) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "recipient_id").Unique().StorageKey("notify_preferences_recipient")}
}

// Item is one row of notify_inbox: what a user sees in the app. Its id is that of the delivery.
type Item struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Item) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Item) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("notify_inbox")}
}

// Fields are the columns.
func (Item) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.String("template").Immutable(),
		field.String("category").Immutable(),
		field.String("subject").Immutable(),
		field.Text("text").Immutable(),
		field.Time("created_at").Immutable(),
		field.Time("read_at").Optional().Nillable(),
		field.Time("archived_at").Optional().Nillable(),
	}
}

// Indexes serve the list of a user, and the number of what is not read.
func (Item) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_id", "id").StorageKey("notify_inbox_user"),
		index.Fields("tenant_id", "user_id").StorageKey("notify_inbox_unread").Annotations(entsql.IndexWhere("read_at IS NULL")),
		index.Fields("created_at").StorageKey("notify_inbox_time"),
	}
}

// Override is one row of notify_templates: what a tenant says instead of a built-in template.
type Override struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Override) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Override) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("notify_templates")}
}

// Fields are the columns.
func (Override) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("template").Immutable(),
		field.String("locale").Immutable(),
		field.Text("subject"),
		field.Text("text"),
		field.Text("html"),
		field.Text("short"),
		field.UUID("updated_by", uuid.UUID{}),
		field.Time("updated_at"),
	}
}

// Indexes keep one row for each template and locale.
func (Override) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "template", "locale").Unique().StorageKey("notify_templates_locale")}
}
