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

// Reservation is one row of quota_reservations: what was counted before it was known how much it would be.
type Reservation struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Reservation) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Reservation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("quota_reservations")}
}

// Fields are the columns. The windows are those in which the amount was counted.
func (Reservation) Fields() []ent.Field {
	fields := []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("unit").Immutable(),
		field.Int64("amount").Immutable(),
	}
	for _, w := range []string{"minute", "hour", "day", "month"} {
		fields = append(fields, field.Int64(w).Immutable())
	}
	return append(fields, field.Int64("expires_ms").Immutable())
}

// Indexes find what has lapsed, and what belongs to a tenant.
func (Reservation) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id").StorageKey("quota_reservations_tenant"),
		index.Fields("expires_ms").StorageKey("quota_reservations_expires"),
	}
}
