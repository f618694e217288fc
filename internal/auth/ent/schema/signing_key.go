// Package schema describes the table of signing keys.
package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// SigningKey is one row of auth_signing_keys. Its id is the kid of the tokens that it signs.
type SigningKey struct{ ent.Schema }

// Annotations names the table.
func (SigningKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("auth_signing_keys")}
}

// Fields are the columns. The private key is sealed. A key that is retired signs no more, and verifies for a while.
func (SigningKey) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("algorithm").Immutable(),
		field.Bytes("public_key").Immutable(),
		field.Bytes("private_key").Sensitive().Immutable(),
		field.Time("created_at").Immutable().
			Default(func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }),
		field.Time("retired_at").Optional().Nillable(),
		field.Time("verifies_until").Optional().Nillable(),
	}
}
