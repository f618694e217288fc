// Package schema describes the tables of the usage.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tenant"
)

// sums are the columns that hours and days have in common.
type sums struct{ mixin.Schema }

func (sums) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.Int64("begins_s").Comment("since 1970"),
		field.Int64("requests"),
		field.Int64("client_errors"),
		field.Int64("server_errors"),
		field.Int64("bytes_in"),
		field.Int64("bytes_out"),
		field.Int64("took_us").Comment("all requests together"),
		field.String("latency").Comment("a JSON object: how many requests each bucket of the histogram has"),
		field.String("units").Comment("a JSON object: how much was consumed of each unit"),
	}
}

// Hour is one row of usage_hours: what a tenant did in an hour of UTC.
type Hour struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Hour) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}, sums{}} }

// Annotations names the table.
func (Hour) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("usage_hours")}
}

// Indexes find the hours of a tenant, and those that are to be rolled up.
func (Hour) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "begins_s").Unique().StorageKey("usage_hours_tenant"),
		index.Fields("begins_s").StorageKey("usage_hours_begins"),
	}
}

// Day is one row of usage_days: what a tenant did in a day of UTC, as far as its hours are no more.
type Day struct{ ent.Schema }

// Mixin keeps every query inside one tenant.
func (Day) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}, sums{}} }

// Annotations names the table.
func (Day) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("usage_days")}
}

// Indexes find the days of a tenant, and those that have expired.
func (Day) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("tenant_id", "begins_s").Unique().StorageKey("usage_days_tenant"),
		index.Fields("begins_s").StorageKey("usage_days_begins"),
	}
}

// Writer is one row of usage_writers: the last batch that a process has written.
type Writer struct{ ent.Schema }

// Annotations names the table.
func (Writer) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("usage_writers")}
}

// Fields are the columns. The id names one life of a process.
func (Writer) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.Int64("number"),
		field.Int64("seen_ms"),
	}
}
