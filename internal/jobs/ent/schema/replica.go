package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Replica is a process that does jobs. Its id is different in each of its lives.
type Replica struct{ ent.Schema }

// Annotations names the table.
func (Replica) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("jobs_replicas")}
}

// Fields are the columns.
func (Replica) Fields() []ent.Field {
	return []ent.Field{field.String("id").Immutable(), field.Int64("seen_ms")}
}

// Queue is one that somebody has paused, or had. Its id is its name.
type Queue struct{ ent.Schema }

// Annotations names the table.
func (Queue) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("jobs_queues")}
}

// Fields are the columns.
func (Queue) Fields() []ent.Field {
	return []ent.Field{field.String("id").Immutable(), field.Bool("paused"), field.Int64("changed_ms")}
}

// Schedule is when a job is asked for next. Its id is its name.
type Schedule struct{ ent.Schema }

// Annotations names the table.
func (Schedule) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("jobs_schedules")}
}

// Fields are the columns.
func (Schedule) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("spec").Comment("what next_ms was reckoned from, with the zone"),
		field.Int64("next_ms"),
		field.Int64("last_ms").Comment("the tick that was fired last"),
		field.String("last_job"),
		field.Bool("paused"),
		field.Int64("changed_ms"),
	}
}
