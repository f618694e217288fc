// Package schema describes the tables of the terms.
package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// TenantLimits is one row of terms_limits: what the operator has set for a tenant. Its id is the tenant's, so that there
// is one of each.
type TenantLimits struct{ ent.Schema }

// Mixin keeps every query inside one tenant, and every change in the audit trail.
func (TenantLimits) Mixin() []ent.Mixin {
	return []ent.Mixin{tenant.Mixin{}, audit.Mixin{Entity: "terms.limits"}}
}

// Annotations names the table.
func (TenantLimits) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("terms_limits")}
}

// Fields are the columns.
func (TenantLimits) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("plan").Default("").Comment("that of the body, to be searched for"),
		field.JSON("body", terms.Limits{}),
		field.Int("version").Default(0).Annotations(audit.Ignored()),
		field.Time("updated_at").Default(now).UpdateDefault(now).Annotations(audit.Ignored()),
	}
}

// Indexes find the tenants that have a plan.
func (TenantLimits) Indexes() []ent.Index {
	return []ent.Index{index.Fields("plan").StorageKey("terms_limits_plan")}
}
