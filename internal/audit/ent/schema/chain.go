package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Link is the place of one event in the chain of its tenant. Its id is that of the event.
type Link struct{ ent.Schema }

// Annotations names the table.
func (Link) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("audit_links")}
}

// Fields are the columns.
func (Link) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.Int64("seq").Immutable(),
		field.Bytes("digest").Immutable(),
		field.Bytes("prev").Immutable(),
		field.Bytes("hash").Immutable(),
	}
}

// Indexes keep one event in each place.
func (Link) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "seq").Unique().StorageKey("audit_links_place")}
}

// Checkpoint is a signed statement about the end of one tenant's chain. Its id counts the checkpoints of all tenants.
type Checkpoint struct{ ent.Schema }

// Annotations names the table.
func (Checkpoint) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("audit_checkpoints")}
}

// Fields are the columns.
func (Checkpoint) Fields() []ent.Field {
	return append([]ent.Field{given()}, statement()...)
}

// Indexes serve the walk along one chain.
func (Checkpoint) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "seq").StorageKey("audit_checkpoints_place")}
}

// Anchor is a signed statement that everything up to a place was removed because its time was over.
type Anchor struct{ ent.Schema }

// Annotations names the table.
func (Anchor) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("audit_anchors")}
}

// Fields are the columns.
func (Anchor) Fields() []ent.Field {
	return append([]ent.Field{field.UUID("id", uuid.UUID{}).Immutable()}, statement()...)
}

// Indexes keep one anchor in each place.
func (Anchor) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tenant_id", "seq").Unique().StorageKey("audit_anchors_place")}
}

// statement is what a checkpoint and an anchor sign.
func statement() []ent.Field {
	return []ent.Field{
		field.UUID("tenant_id", uuid.UUID{}).Immutable(),
		field.Int64("seq").Immutable(),
		field.Bytes("hash").Immutable(),
		field.Time("time").Immutable(),
		field.UUID("key_id", uuid.UUID{}).Immutable(),
		field.Bytes("signature").Immutable(),
	}
}

// given is an id that the database does not make.
func given() ent.Field {
	increments := false
	return field.Int64("id").Immutable().Annotations(entsql.Annotation{Incremental: &increments})
}

// Unsealed is the queue of committed events that are not in a chain yet. A trigger fills it.
type Unsealed struct{ ent.Schema }

// Annotations names the table.
func (Unsealed) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("audit_unsealed")}
}

// Fields are the columns. What is refused was not written by the platform, or was altered since.
func (Unsealed) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.Bool("refused"),
	}
}

// Key signs checkpoints. The private key is sealed.
type Key struct{ ent.Schema }

// Annotations names the table.
func (Key) Annotations() []schema.Annotation { return []schema.Annotation{entsql.Table("audit_keys")} }

// Fields are the columns.
func (Key) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("algorithm").Immutable(),
		field.Bytes("public_key").Immutable(),
		field.Bytes("private_key").Sensitive().Immutable(),
	}
}

// Head is the one row that every replica locks before it seals. It signs how many checkpoints there are.
type Head struct{ ent.Schema }

// Annotations names the table.
func (Head) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("audit_head")}
}

// Fields are the columns. Checkpoints up to the floor may have been removed with what they cover.
func (Head) Fields() []ent.Field {
	return []ent.Field{
		given(),
		field.Int64("number"),
		field.Int64("floor"),
		field.UUID("key_id", uuid.UUID{}).Optional().Nillable(),
		field.Bytes("signature").Optional().Nillable(),
	}
}
