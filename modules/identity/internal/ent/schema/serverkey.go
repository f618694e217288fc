package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// ServerKey is one row of identity_server_keys: a random key that every replica has and nobody else.
type ServerKey struct{ ent.Schema }

// Annotations names the table.
func (ServerKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_server_keys")}
}

// Fields are the columns. The key is sealed.
func (ServerKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.Bytes("sealed").Sensitive().Immutable(),
		field.Time("created_at").Immutable(),
	}
}
