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

// MailToken is one row of identity_mail_tokens: a link that was mailed to a user, and good once. It is found by the hash
// of its token, which only the mailbox has.
type MailToken struct{ ent.Schema }

// Annotations names the table.
func (MailToken) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_mail_tokens")}
}

// Fields are the columns. The address is the one that the link was sent to: the link proves nothing about another.
func (MailToken) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Enum("purpose").Values("verify_email", "reset_password").Immutable(),
		field.String("email").Immutable(),
		field.Bytes("token_hash").Unique().Immutable().Sensitive(),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Immutable(),
		field.Time("used_at").Optional().Nillable(),
	}
}

// Edges bind the user, who takes the links along.
func (MailToken) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes find the links of a user and the expired ones.
func (MailToken) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id", "purpose").StorageKey("identity_mail_tokens_user"),
		index.Fields("expires_at").StorageKey("identity_mail_tokens_expires"),
	}
}
