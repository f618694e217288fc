package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
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
		field.Int("version").Default(1),
		field.Bool("require_mfa").Default(false),
		field.Time("suspended_at").Optional().Nillable(),
		field.Time("erase_at").Optional().Nillable(), // set when the tenant is deleted
		field.Time("created_at").Immutable(),
	}
}

// Indexes find the deleted tenants whose time has come.
func (Tenant) Indexes() []ent.Index {
	return []ent.Index{index.Fields("erase_at").StorageKey("identity_tenants_erase")}
}
