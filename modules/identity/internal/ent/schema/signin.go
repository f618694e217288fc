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

// SignIn is one row of identity_sign_ins: somebody has given the first factor and is asked for the second. It is found
// by the hash of its token, which only its bearer has.
type SignIn struct{ ent.Schema }

// Annotations names the table.
func (SignIn) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_sign_ins")}
}

// Fields are the columns. The digest is of the password hash at the time: with another password the sign-in is void.
func (SignIn) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.Bytes("token_hash").Unique().Immutable().Sensitive(),
		field.Bytes("password_digest").Immutable().Sensitive(),
		field.String("stronger_hash").Immutable().Sensitive(), // of the same password; empty when the stored one will do
		field.Strings("methods").Immutable(),
		field.Int("attempts").Default(0),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Immutable(),
		field.Time("used_at").Optional().Nillable(),
	}
}

// Edges bind the ids, so that a sign-in ends with its user or tenant.
func (SignIn) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("tenant", Tenant.Type).Field("tenant_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes find the sign-ins of a user and of a tenant, and those that have expired.
func (SignIn) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id").StorageKey("identity_sign_ins_user"),
		index.Fields("tenant_id").StorageKey("identity_sign_ins_tenant"),
		index.Fields("expires_at").StorageKey("identity_sign_ins_expires"),
	}
}
