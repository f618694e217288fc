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

// Factor is one row of identity_factors: what a user proves to have beside the password. It counts once it is confirmed.
type Factor struct{ ent.Schema }

// Annotations names the table.
func (Factor) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_factors")}
}

// Fields are the columns. The secret is sealed and not hashed, because codes are made from it.
func (Factor) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Enum("kind").Values("totp").Immutable(),
		field.Bytes("sealed").Sensitive().Immutable(),
		field.Int64("mark").Default(0), // grows with every proof, so that none counts twice: the time step of a TOTP code
		field.Time("created_at").Immutable(),
		field.Time("confirmed_at").Optional().Nillable(),
		field.Time("last_used_at").Optional().Nillable(),
	}
}

// Edges bind the user, who takes the factors along.
func (Factor) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes find the factors of a user, and those that nobody has confirmed.
func (Factor) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id").StorageKey("identity_factors_user"),
		index.Fields("confirmed_at", "created_at").StorageKey("identity_factors_confirmed"),
	}
}
