// Package schema describes the tables of the jobs.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Job is a piece of work and what became of it. Its id is a UUIDv7, so that it tells the time as well.
type Job struct{ ent.Schema }

// Annotations names the table.
func (Job) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("jobs_jobs")}
}

// Fields are the columns. Zero ids stand for no tenant and for the platform itself; zero times for none. The times are
// milliseconds since 1970.
func (Job) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.String("kind").Immutable(),
		field.Int("version").Immutable(),
		field.String("queue").Immutable(),
		field.Int("priority").Immutable(),
		field.Int("state"),
		field.Int("attempt"),
		field.Int("max_attempts"),
		field.Int64("due_ms"),
		field.Int64("deadline_ms"),
		field.Int64("timeout_ms"),
		field.String("unique_key"),
		field.Int64("unique_ms").Comment("until when the key is taken although the job is done; 0 without one"),
		field.UUID("actor_id", uuid.UUID{}).Immutable(),
		field.String("request_id").Immutable(),
		field.String("trace").Immutable(),
		field.Text("args").Immutable(),
		field.Text("result"),
		field.Text("error"),
		field.String("owner").Comment("the replica that does it"),
		field.String("token").Comment("of the claim: who has another one has lost the job"),
		field.Bool("cancel").Comment("somebody wants it to stop"),
		field.Int64("dispatched_ms").Comment("when the carrier got it; 0 when it is to get it"),
		field.Int("dispatches"),
		field.Int64("created_ms").Immutable(),
		field.Int64("begun_ms").Comment("when it was begun last"),
		field.Int64("changed_ms"),
		field.Int64("expires_ms").Comment("when the row is removed; 0 while the job is not done"),
	}
}

// Indexes serve, in this order: what has become due; what is to be dispatched, or was; whose replica is gone; what has
// failed; what has expired; what may become too late; one job for each key; the list and the erasure of a tenant.
func (Job) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("due_ms").StorageKey("jobs_jobs_due").Annotations(entsql.IndexWhere("state > 6")),
		index.Fields("queue", "dispatched_ms", "tenant_id", "priority", "id").StorageKey("jobs_jobs_queued").Annotations(entsql.IndexWhere("state = 0")),
		index.Fields("owner").StorageKey("jobs_jobs_running").Annotations(entsql.IndexWhere("state = 2")),
		index.Fields("id").StorageKey("jobs_jobs_failed").Annotations(entsql.IndexWhere("state = 4")),
		index.Fields("expires_ms").StorageKey("jobs_jobs_expired").Annotations(entsql.IndexWhere("expires_ms > 0")),
		index.Fields("deadline_ms").StorageKey("jobs_jobs_deadline").Annotations(entsql.IndexWhere("deadline_ms > 0")),
		index.Fields("tenant_id", "kind", "unique_key").Unique().StorageKey("jobs_jobs_unique").
			Annotations(entsql.IndexWhere("unique_ms > 0")),
		index.Fields("tenant_id", "id").StorageKey("jobs_jobs_tenant"),
	}
}
