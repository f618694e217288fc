package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tenant"
)

// Membership is one row of identity_memberships: a user may act in a tenant. What the user may do there is authz's.
type Membership struct{ ent.Schema }

// Mixin keeps every query inside one tenant, except for sign-in, which says so with tenant.System.
func (Membership) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Membership) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_memberships")}
}

// Fields are the columns beside tenant_id.
func (Membership) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.Time("created_at").Immutable(),
	}
}

// Edges bind the ids, so that a membership ends with its user or tenant.
func (Membership) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("tenant", Tenant.Type).Field("tenant_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes keep a membership single, and find the tenants of a user.
func (Membership) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_id").Unique().StorageKey("identity_memberships_member"),
		index.Fields("user_id").StorageKey("identity_memberships_user"),
	}
}
