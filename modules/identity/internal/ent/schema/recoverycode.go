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

// RecoveryCode is one row of identity_recovery_codes: it stands in for a factor once.
type RecoveryCode struct{ ent.Schema }

// Annotations names the table.
func (RecoveryCode) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_recovery_codes")}
}

// Fields are the columns. The hash is keyed: a code is short enough to be found from a plain one.
func (RecoveryCode) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Bytes("code_hash").Immutable().Sensitive(),
		field.Time("created_at").Immutable(),
		field.Time("used_at").Optional().Nillable(),
	}
}

// Edges bind the user, who takes the codes along.
func (RecoveryCode) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes find a code of a user.
func (RecoveryCode) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id", "code_hash").Unique().StorageKey("identity_recovery_codes_code")}
}
