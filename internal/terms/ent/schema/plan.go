package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"

	"github.com/yourorg/platform/pkg/terms"
)

// Plan is one row of terms_plans. Plans are the platform's, not a tenant's.
type Plan struct{ ent.Schema }

// Annotations names the table.
func (Plan) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("terms_plans")}
}

// Fields are the columns. The id is the name.
func (Plan) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").Immutable(),
		field.String("description").Default(""),
		field.JSON("body", terms.Grant{}),
		field.Int("version").Default(0),
		field.Time("updated_at").Default(now).UpdateDefault(now),
	}
}
