package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Tenant is one row of identity_tenants: a customer, or the operator of the platform.
type Tenant struct{ ent.Schema }

// Annotations names the table.
func (Tenant) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_tenants")}
}

// Fields are the columns.
func (Tenant) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("name"),
		field.String("slug").Unique(),
		field.Enum("kind").Values("customer", "operator").Immutable(),
		field.Time("suspended_at").Optional().Nillable(),
		field.Time("created_at").Immutable(),
	}
}
