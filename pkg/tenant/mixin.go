package tenant

import (
	"context"
	"fmt"

	"entgo.io/ent"
	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"
	"github.com/google/uuid"
)

const column = "tenant_id"

// Mixin gives an ent schema its tenant_id and keeps every query and mutation inside the tenant of the context.
// A query without a tenant fails with ErrMissing. Raw SQL and ON CONFLICT DO UPDATE are not
// covered: neither belongs in a module. DO NOTHING touches no other row.
//
// ent installs the hooks through the generated ent/runtime package: blank-import it beside the client.
type Mixin struct{ mixin.Schema }

// Fields adds tenant_id. Unique indexes of the schema must begin with it.
func (Mixin) Fields() []ent.Field {
	return []ent.Field{field.UUID(column, uuid.UUID{}).Immutable()}
}

// scoped is generated into every query (wherep.tmpl) and mutation (by ent).
type scoped interface {
	WhereP(...func(*sql.Selector))
}

// Interceptors scope reads.
func (Mixin) Interceptors() []ent.Interceptor {
	return []ent.Interceptor{ent.TraverseFunc(func(ctx context.Context, q ent.Query) error { return scope(ctx, q) })}
}

// Hooks scope writes: a create gets the tenant of the context, everything else is limited to it.
func (Mixin) Hooks() []ent.Hook {
	return []ent.Hook{func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			if !m.Op().Is(ent.OpCreate) {
				if err := scope(ctx, m); err != nil {
					return nil, err
				}
				return next.Mutate(ctx, m)
			}
			id, ok := FromContext(ctx)
			if !ok {
				return nil, ErrMissing.Wrap(fmt.Errorf("create %s without a tenant in the context", m.Type()))
			}
			if err := m.SetField(column, id); err != nil {
				return nil, err
			}
			return next.Mutate(ctx, m)
		})
	}}
}

func scope(ctx context.Context, target any) error {
	if _, system := SystemReason(ctx); system {
		return nil
	}
	id, ok := FromContext(ctx)
	if !ok {
		return ErrMissing.Wrap(fmt.Errorf("%T without a tenant in the context", target))
	}
	s, ok := target.(scoped)
	if !ok {
		return ErrMissing.Wrap(fmt.Errorf("%T cannot be scoped: generate its client with wherep.tmpl", target))
	}
	s.WhereP(func(s *sql.Selector) { s.Where(sql.EQ(s.C(column), id)) })
	return nil
}
