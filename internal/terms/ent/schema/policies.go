package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

// TenantPolicies is one row of terms_policies: what a tenant may use and prefers. Its id is the tenant's.
type TenantPolicies struct{ ent.Schema }

// Mixin keeps every query inside one tenant, and every change in the audit trail.
func (TenantPolicies) Mixin() []ent.Mixin {
	return []ent.Mixin{tenant.Mixin{}, audit.Mixin{Entity: "terms.policies"}}
}

// Annotations names the table.
func (TenantPolicies) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("terms_policies")}
}

// Fields are the columns.
func (TenantPolicies) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.JSON("body", terms.Policies{}),
		field.Int("version").Default(0).Annotations(audit.Ignored()),
		field.Time("updated_at").Default(now).UpdateDefault(now).Annotations(audit.Ignored()),
	}
}
