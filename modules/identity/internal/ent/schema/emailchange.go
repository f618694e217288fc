package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// EmailChange is one row of identity_email_changes: a user wants another address. It happens once the links to both
// addresses were followed. Each is found by the hash of its token, which only its mailbox has.
type EmailChange struct{ ent.Schema }

// Annotations names the table.
func (EmailChange) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_email_changes")}
}

// Fields are the columns. A change is closed when it was completed or when it must not happen any more.
func (EmailChange) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.String("old_email").Immutable(),
		field.String("new_email").Immutable(),
		field.Bytes("old_token_hash").Unique().Immutable().Sensitive(),
		field.Bytes("new_token_hash").Unique().Immutable().Sensitive(),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Immutable(),
		field.Time("old_confirmed_at").Optional().Nillable(),
		field.Time("new_confirmed_at").Optional().Nillable(),
		field.Time("closed_at").Optional().Nillable(),
	}
}

// Edges bind the user, who takes the changes along.
func (EmailChange) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes find the changes of a user and the expired ones.
func (EmailChange) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id").StorageKey("identity_email_changes_user"),
		index.Fields("expires_at").StorageKey("identity_email_changes_expires"),
	}
}
