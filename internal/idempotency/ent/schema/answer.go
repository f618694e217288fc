// Package schema describes the table of the answers.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tenant"
)

// Answer is one row of idempotency_answers: what a request with an Idempotency-Key was answered.
type Answer struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Answer) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Answer) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("idempotency_answers")}
}

// Fields are the columns. The id is made of a hash of the tenant, the caller and the key, which are unique together.
func (Answer) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Comment("whose answer it is; the id of the key when a tenant's API key called"),
		field.Bytes("answer").Comment("sealed, together with the fingerprint of the request"),
		field.Int64("expires_ms"),
	}
}

// Indexes find what has expired, and what belongs to somebody.
func (Answer) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "user_id").StorageKey("idempotency_answers_user"),
		index.Fields("expires_ms").StorageKey("idempotency_answers_expires"),
	}
}
