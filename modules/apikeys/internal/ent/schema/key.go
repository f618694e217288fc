// Package schema describes the tables of the API keys.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/tenant"
)

// Key is one row of apikeys_keys. A personal one has a user, and the membership for which it was made.
type Key struct{ ent.Schema }

// Mixin keeps every query inside one tenant, and every change in the audit trail.
func (Key) Mixin() []ent.Mixin {
	return []ent.Mixin{tenant.Mixin{}, audit.Mixin{Entity: "apikeys.key"}}
}

// Annotations names the table.
func (Key) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("apikeys_keys")}
}

// Fields are the columns. Lists are texts separated by spaces, which neither permissions nor networks have.
func (Key) Fields() []ent.Field {
	text := map[string]string{"postgres": "text"}
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("name"),
		field.UUID("user_id", uuid.UUID{}).Optional().Nillable().Immutable(),
		field.UUID("member_id", uuid.UUID{}).Optional().Nillable().Immutable(),
		field.String("permissions").SchemaType(text).Immutable(),
		field.String("networks").SchemaType(text),
		field.UUID("created_by", uuid.UUID{}).Immutable(),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Optional().Nillable(),
		field.Time("last_used_at").Optional().Nillable().Annotations(audit.Ignored()),
		field.String("last_used_ip").Optional().Nillable().Annotations(audit.Ignored()),
	}
}

// Indexes serve the listing, newest first, of a tenant and of a user in it, and find what has expired.
func (Key) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "id").StorageKey("apikeys_keys_tenant"),
		index.Fields("tenant_id", "user_id", "id").StorageKey("apikeys_keys_user"),
		index.Fields("expires_at").StorageKey("apikeys_keys_expiry"),
	}
}

// Secret is one row of apikeys_secrets: what a key can be used with. The key itself is nowhere.
type Secret struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Secret) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Secret) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("apikeys_secrets")}
}

// Fields are the columns.
func (Secret) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("key_id", uuid.UUID{}).Immutable(),
		field.String("prefix").Immutable(),
		field.Bytes("hash").Sensitive().Immutable(),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Optional().Nillable(), // when the overlap of a rotation ends
	}
}

// Indexes find the secret that somebody sends, and those of a key. Prefixes are random, and two may be the same.
func (Secret) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("prefix").StorageKey("apikeys_secrets_prefix"),
		index.Fields("tenant_id", "key_id").StorageKey("apikeys_secrets_key"),
	}
}
