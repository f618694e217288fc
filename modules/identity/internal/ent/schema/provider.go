package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// RoleMapping gives a role to whoever has a value in a claim.
type RoleMapping struct {
	Claim string `json:"claim"`
	Value string `json:"value"`
	Role  string `json:"role"`
}

// Provider is one row of identity_providers: an OpenID provider that a tenant's members may sign in with.
type Provider struct{ ent.Schema }

// Mixin keeps every query inside one tenant, except for sign-in, which says so with tenant.System.
func (Provider) Mixin() []ent.Mixin {
	return []ent.Mixin{tenant.Mixin{}, audit.Mixin{Entity: "identity.provider"}}
}

// Annotations names the table.
func (Provider) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_providers")}
}

// Fields are the columns beside tenant_id. The secret is sealed. A domain counts once it has been proved.
func (Provider) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("name"),
		field.String("issuer"),
		field.String("client_id"),
		field.Bytes("client_secret").Sensitive(),
		field.Strings("scopes"),
		field.Strings("domains"),
		field.Strings("proved_domains"),
		field.JSON("role_mapping", []RoleMapping{}),
		field.Strings("default_roles"),
		field.Bool("jit"),
		field.Bool("enabled"),
		field.Int("version").Default(1),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Edges bind the tenant, which takes its providers along when it is erased.
func (Provider) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("tenant", Tenant.Type).Field("tenant_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes keep names apart in a tenant.
func (Provider) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "name").Unique().StorageKey("identity_providers_name")}
}
