package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Lane is what a replica locks while it works on the deliveries of one subscriber in one lane. Its id is both.
type Lane struct{ ent.Schema }

// Annotations names the table.
func (Lane) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("outbox_lanes")}
}

// Fields are the columns.
func (Lane) Fields() []ent.Field { return []ent.Field{field.String("id").Immutable()} }

// Handled says that a subscriber has handled an event that came over a broker. Its id is both, the event first, so that
// it sorts by time.
type Handled struct{ ent.Schema }

// Annotations names the table.
func (Handled) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("outbox_inbox")}
}

// Fields are the columns.
func (Handled) Fields() []ent.Field { return []ent.Field{field.String("id").Immutable()} }
