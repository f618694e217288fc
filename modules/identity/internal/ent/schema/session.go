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

// Session is one row of identity_sessions: one sign-in of one user to one tenant. It is found by its id, which only
// its own signed tokens carry, and by its user.
type Session struct{ ent.Schema }

// Annotations names the table.
func (Session) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_sessions")}
}

// Fields are the columns.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.String("user_agent").Immutable(),
		field.String("ip").Immutable(),
		field.Time("created_at").Immutable(),
		field.Time("last_seen_at"),
		field.Time("expires_at"),
		field.Time("revoked_at").Optional().Nillable(),
		field.Time("authenticated_at").Optional().Nillable(), // nil in rows of before it was kept: when they were created
		field.Strings("methods").Optional(),
		field.Bool("second_factor").Default(false), // the methods are several: what a tenant can require
	}
}

// Edges bind the ids, so that a session ends with its user or tenant.
func (Session) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("tenant", Tenant.Type).Field("tenant_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes find the sessions of a user and of a tenant, and those that have ended.
func (Session) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("user_id").StorageKey("identity_sessions_user"),
		index.Fields("tenant_id").StorageKey("identity_sessions_tenant"),
		index.Fields("expires_at").StorageKey("identity_sessions_expires"),
		index.Fields("revoked_at").StorageKey("identity_sessions_revoked"),
	}
}
