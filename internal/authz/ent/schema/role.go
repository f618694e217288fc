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

// Role is what people see of a tenant's own role; what it holds is in its rules. As with Rule, every query names the
// tenant.
type Role struct{ ent.Schema }

// Annotations names the table.
func (Role) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "authz_roles"}}
}

// Fields include the name in lower case, so that two names never differ in case only.
func (Role) Fields() []ent.Field {
	now := func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable().Default(func() uuid.UUID { return uuid.Must(uuid.NewV7()) }),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.String("name"),
		field.String("name_key"),
		field.String("description").Default(""),
		field.Int("version").Default(1),
		field.Time("created_at").Immutable().Default(now),
		field.Time("updated_at").Default(now),
	}
}

// Indexes keep names single, and find a page of a tenant's roles.
func (Role) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "name_key").Unique().StorageKey("authz_roles_name"),
		index.Fields("tenant_id", "id").StorageKey("authz_roles_page"),
	}
}
