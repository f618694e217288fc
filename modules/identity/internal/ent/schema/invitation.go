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

// Invitation is one row of identity_invitations: somebody may become a member of a tenant. It is deleted when it is
// accepted or withdrawn, so a row is an open invitation, or an expired one.
type Invitation struct{ ent.Schema }

// Mixin keeps every query inside one tenant, except for whoever accepts, who says so with tenant.System.
func (Invitation) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Invitation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_invitations")}
}

// Fields are the columns beside tenant_id. Only the SHA-256 of the token is kept, as with refresh tokens.
func (Invitation) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("email").Immutable(),
		field.Strings("roles").Immutable(),
		field.UUID("invited_by", uuid.UUID{}),
		field.Bytes("token_hash").Unique().Sensitive(),
		field.Time("created_at").Immutable(),
		field.Time("expires_at"),
	}
}

// Edges bind the tenant, which takes its invitations along when it is erased.
func (Invitation) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("tenant", Tenant.Type).Field("tenant_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes keep an address from being invited twice, and find the invitations that have expired.
func (Invitation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "email").Unique().StorageKey("identity_invitations_email"),
		index.Fields("expires_at").StorageKey("identity_invitations_expires"),
	}
}
