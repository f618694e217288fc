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

// RefreshToken is one row of identity_refresh_tokens. It is found by the hash of the token, which only its bearer
// has. A used one is kept until it would have expired, because using it again is how a theft shows.
type RefreshToken struct{ ent.Schema }

// Annotations names the table.
func (RefreshToken) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_refresh_tokens")}
}

// Fields are the columns. Only the SHA-256 of a token is kept: it has 256 random bits, so nothing slower is needed.
func (RefreshToken) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("session_id", uuid.UUID{}).Immutable(),
		field.Bytes("token_hash").Unique().Immutable().Sensitive(),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Immutable(),
		field.Time("used_at").Optional().Nillable(),
	}
}

// Edges bind the session, which takes its tokens along when it is deleted.
func (RefreshToken) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("session", Session.Type).Field("session_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes find the tokens of a session and the expired ones.
func (RefreshToken) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("session_id").StorageKey("identity_refresh_tokens_session"),
		index.Fields("expires_at").StorageKey("identity_refresh_tokens_expires"),
	}
}
