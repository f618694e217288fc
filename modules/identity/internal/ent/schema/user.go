// Package schema describes the tables of identity.
//
// Only memberships belong to a tenant in the sense of tenant.Mixin. A user may be a member of several tenants, and
// tenants, sessions and refresh tokens are looked up before it is known which tenant the caller acts in: a mixin
// would refuse every one of these queries. They are scoped by hand instead, each by a key that only its owner has.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// User is one row of identity_users: a person, in whatever tenants.
type User struct{ ent.Schema }

// Annotations names the table.
func (User) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_users")}
}

// Fields are the columns. The e-mail is kept in its normal form, so that the unique index means one person.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("email").Unique(),
		field.String("name"),
		field.String("password_hash").Sensitive(),
		field.Time("email_verified_at").Optional().Nillable(), // when the address was proved to be the user's
		field.Time("deletion_due_at").Optional().Nillable(),   // when the user asked to be erased
		field.Time("disabled_at").Optional().Nillable(),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Indexes find who is to be erased.
func (User) Indexes() []ent.Index {
	return []ent.Index{index.Fields("deletion_due_at").StorageKey("identity_users_deletion")}
}
