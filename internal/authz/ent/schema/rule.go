// Package schema describes the table of access rules.
package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Rule is one casbin rule of one tenant. It does not use tenant.Mixin: the package that owns the table decides access
// for every tenant and names the tenant in each of its queries.
type Rule struct{ ent.Schema }

// Annotations names the table.
func (Rule) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "authz_rules"}}
}

// Fields are casbin's columns, and the tenant that the rule's own domain names.
func (Rule) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable().Default(func() uuid.UUID { return uuid.Must(uuid.NewV7()) }),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.String("ptype").Immutable(),
		field.String("v0").Default("").Immutable(),
		field.String("v1").Default("").Immutable(),
		field.String("v2").Default("").Immutable(),
		field.String("v3").Default("").Immutable(),
		field.String("v4").Default("").Immutable(),
		field.String("v5").Default("").Immutable(),
		field.Time("created_at").Immutable().
			Default(func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }),
	}
}

// Indexes keep every rule single, and find a tenant's rules and a user's roles.
func (Rule) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "ptype", "v0", "v1", "v2", "v3", "v4", "v5").Unique().StorageKey("authz_rules_rule"),
	}
}
