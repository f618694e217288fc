package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Lockout is one row of identity_lockouts: the failed sign-ins to one account, known or not. Its id is a keyed hash of
// the address, so that the table does not tell what was typed.
type Lockout struct{ ent.Schema }

// Annotations names the table.
func (Lockout) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_lockouts")}
}

// Fields are the columns.
func (Lockout) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.Int("failures"),
		field.Time("last_failed_at"),
		field.Time("locked_until").Optional().Nillable(),
	}
}

// Indexes find what can be forgotten.
func (Lockout) Indexes() []ent.Index {
	return []ent.Index{index.Fields("last_failed_at").StorageKey("identity_lockouts_last_failed")}
}
