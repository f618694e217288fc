// Package schema describes the tables of the quotas.
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

// Counter is one row of quota_counters: what a tenant has used of one unit in every window. That all windows are counted or
// none is the lock of one row.
type Counter struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Counter) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }

// Annotations names the table.
func (Counter) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("quota_counters")}
}

// Fields are the columns.
func (Counter) Fields() []ent.Field {
	fields := []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("unit").Immutable(),
	}
	for _, w := range []string{"minute", "hour", "day", "month"} {
		fields = append(fields, field.Int64(w).Default(0).Comment("the number of the window; it only grows"))
		fields = append(fields, counted(w)...)
	}
	return append(fields, counted("lifetime")...)
}

func counted(window string) []ent.Field {
	return []ent.Field{
		field.Int64(window + "_used").Default(0),
		field.Int64(window + "_told").Default(0).Comment("the percentage that was announced in this window: 0, 80 or 100"),
		field.Int64(window + "_told_of").Default(0).Comment("the limit that counted then"),
	}
}

// Indexes find the row.
func (Counter) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "unit").Unique().StorageKey("quota_counters_unit")}
}
