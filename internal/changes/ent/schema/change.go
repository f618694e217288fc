// Package schema describes the table of the change feed.
package schema

import (
	"time"

	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Change is one row of changes_log.
type Change struct{ ent.Schema }

// Annotations names the table.
func (Change) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("changes_log")}
}

// Fields are the columns. The ids rise in the order of the inserts and are never used twice, not even after the
// newest rows have been deleted: readers remember the highest one.
func (Change) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id").Immutable(),
		field.String("topic").Immutable(),
		field.String("key").Immutable(),
		field.Time("created_at").Immutable().
			Default(func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }),
	}
}
