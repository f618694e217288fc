// Package schema describes the table of the leases.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Lease is one row of lease_leases. Its id is the name of what is leased.
type Lease struct{ ent.Schema }

// Annotations names the table.
func (Lease) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("lease_leases")}
}

// Fields are the columns. The time is in milliseconds by the clock of the database, which both engines can compute in
// the statement that compares it.
func (Lease) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("holder"),
		field.Int64("token"),
		field.Int64("expires_ms"),
	}
}
