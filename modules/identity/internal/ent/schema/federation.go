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

// Federation is one row of identity_federations: a sign-in on its way through an identity provider. It is found by the
// hash of the state that the provider hands back, then of the code that the front end gets; both are good once.
type Federation struct{ ent.Schema }

// Annotations names the table.
func (Federation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_federations")}
}

// Fields are the columns. The nonce and the PKCE verifier are sealed.
func (Federation) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("provider").Immutable(),
		field.Bytes("hash").Unique().Sensitive(),
		field.Bytes("browser").Sensitive(), // SHA-256 of the cookie that the browser got
		field.Bytes("sealed").Immutable().Sensitive(),
		field.String("return_to").Immutable(),
		field.String("wish").Immutable(),                                     // the tenant to sign in to
		field.UUID("linking", uuid.UUID{}).Optional().Nillable().Immutable(), // the user who links an identity
		field.Enum("step").Values("started", "returned", "vouched"),          // until it is exchanged, and deleted
		field.UUID("user_id", uuid.UUID{}).Optional().Nillable(),             // who it turned out to be
		field.Time("authenticated_at").Optional().Nillable(),                 // at the provider
		field.Time("created_at").Immutable(),
		field.Time("expires_at"),
	}
}

// Edges bind the user, who takes it along.
func (Federation) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes find those that have expired, and those of a user.
func (Federation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("expires_at").StorageKey("identity_federations_expires"),
		index.Fields("user_id").StorageKey("identity_federations_user"),
	}
}
