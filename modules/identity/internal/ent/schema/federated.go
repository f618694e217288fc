package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Federated is one row of identity_federated: somebody whom an identity provider vouches for is a user. It is found by
// what the provider says, and listed by the user's id.
type Federated struct{ ent.Schema }

// Annotations names the table.
func (Federated) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("identity_federated")}
}

// Fields are the columns. The issuer is part of the key: a provider that is pointed at another one knows nobody.
func (Federated) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.String("provider").Immutable(), // the name in the configuration, or the id of a tenant's provider
		field.UUID("provider_id", uuid.UUID{}).Optional().Nillable().Immutable(),
		field.String("issuer").Immutable(),
		field.String("subject").Immutable(),
		field.String("email").Immutable(), // at the time
		field.Time("created_at").Immutable(),
		field.Time("last_used_at").Optional().Nillable(),
	}
}

// Edges bind the user and the tenant's provider, who take it along.
func (Federated) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("user", User.Type).Field("user_id").Unique().Required().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("owner", Provider.Type).Field("provider_id").Unique().Immutable().
			Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes keep one of a provider's people from being two users, and find those of a user and of a provider.
func (Federated) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("provider", "issuer", "subject").Unique().StorageKey("identity_federated_subject"),
		index.Fields("user_id").StorageKey("identity_federated_user"),
		index.Fields("provider_id").StorageKey("identity_federated_provider"),
	}
}
