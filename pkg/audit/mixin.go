package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/mixin"
	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tx"
)

// Mixin gives an ent schema an audit trail of its rows: what every creation, update and deletion through ent changed,
// before and after, committed with the change itself. Bytes, fields marked Sensitive and fields annotated with Secret
// are masked. Raw SQL is not covered.
//
// An update or deletion outside of tx.Runner gets a transaction of its own. A creation outside of one is recorded in a
// transaction that follows it: ent offers no place to open one around several rows.
//
// ent installs the hook through the generated ent/runtime package: blank-import it beside the client.
type Mixin struct {
	mixin.Schema

	// Entity is what the trail calls a row, such as "blog.post"; the table when it is empty.
	Entity string
}

// Annotations tells the generator to write what the hook needs (changes.tmpl).
func (m Mixin) Annotations() []schema.Annotation {
	return []schema.Annotation{entityNote{Entity: m.Entity}}
}

// Secret masks a field: the trail shows that it changed, and not from what to what.
func Secret() schema.Annotation { return fieldNote{Secret: true} }

// Ignored leaves a field out of the trail. A mutation that changes ignored fields only leaves no trace.
func Ignored() schema.Annotation { return fieldNote{Ignored: true} }

type (
	entityNote struct{ Entity string }
	fieldNote  struct{ Secret, Ignored bool }
)

func (entityNote) Name() string { return "Audit" }
func (fieldNote) Name() string  { return "AuditField" }

// Entity is what the generated code knows about a mutation's entity.
type Entity struct {
	Name   string
	Secret []string // fields whose values are masked
	Driver any      // of the client; a tx.Runner when it can open transactions
}

// Row is one row as the generated code reads it.
type Row struct {
	ID     any
	Tenant uuid.UUID // zero when the table has none
	Values map[string]any
}

// mutation is what changes.tmpl adds to a mutation.
type mutation interface {
	ent.Mutation
	EntityP() Entity
	BeforeP(ctx context.Context) ([]Row, error)
	AfterP(ctx context.Context, ids ...any) ([]Row, error)
}

// Hooks compares the rows before and after every mutation.
func (Mixin) Hooks() []ent.Hook {
	return []ent.Hook{func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, plain ent.Mutation) (ent.Value, error) {
			if erasing(ctx) {
				return next.Mutate(ctx, plain)
			}
			m, ok := plain.(mutation)
			if !ok {
				return nil, fmt.Errorf("%T cannot be audited: generate its client with changes.tmpl", plain)
			}
			if m.Op().Is(ent.OpCreate) {
				return created(ctx, m, next)
			}
			var value ent.Value
			err := within(ctx, m.EntityP(), func(ctx context.Context) (err error) {
				value, err = changed(ctx, m, next)
				return err
			})
			return value, err
		})
	}}
}

// within runs fn in the transaction of ctx, or else in one of its own.
func within(ctx context.Context, e Entity, fn func(context.Context) error) error {
	if tx.Open(ctx) {
		return fn(ctx)
	}
	run, ok := e.Driver.(tx.Runner)
	if !ok {
		return errors.New("an audited entity changes outside of a transaction, and its driver opens none")
	}
	return run.InTx(ctx, fn)
}

// created reads the row back: a creation that gives way to another row (ON CONFLICT DO NOTHING) leaves none.
func created(ctx context.Context, m mutation, next ent.Mutator) (ent.Value, error) {
	value, err := next.Mutate(ctx, m)
	if err != nil {
		return value, err
	}
	return value, within(ctx, m.EntityP(), func(ctx context.Context) error {
		after, err := m.AfterP(ctx)
		if err != nil {
			return fmt.Errorf("read what was created: %w", err)
		}
		return track(ctx, m.EntityP(), nil, after)
	})
}

// chunk is how many ids one query names: SQLite takes 32,766 parameters.
const chunk = 1000

func changed(ctx context.Context, m mutation, next ent.Mutator) (ent.Value, error) {
	before, err := m.BeforeP(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what is about to change: %w", err)
	}
	value, err := next.Mutate(ctx, m)
	if err != nil {
		return value, err
	}
	for part := range slices.Chunk(before, chunk) {
		ids := make([]any, len(part))
		for i, r := range part {
			ids[i] = r.ID
		}
		after, err := m.AfterP(ctx, ids...)
		if err != nil {
			return nil, fmt.Errorf("read what was changed: %w", err)
		}
		if err := track(ctx, m.EntityP(), part, after); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// track compares rows by their ids.
func track(ctx context.Context, e Entity, before, after []Row) error {
	later := map[any]Row{}
	for _, r := range after {
		later[r.ID] = r
	}
	for _, old := range before {
		c := Change{Entity: e.Name, ID: fmt.Sprint(old.ID), Tenant: old.Tenant, Action: Deleted}
		now, kept := later[old.ID]
		if kept {
			c.Action = Updated
			delete(later, old.ID)
		}
		if err := c.compare(e.Secret, old.Values, now.Values); err != nil {
			return err
		}
		if c.Action == Deleted || len(c.Fields) > 0 {
			Track(ctx, c)
		}
	}
	for _, r := range after {
		if _, created := later[r.ID]; !created {
			continue
		}
		c := Change{Entity: e.Name, ID: fmt.Sprint(r.ID), Tenant: r.Tenant, Action: Created}
		if err := c.compare(e.Secret, nil, r.Values); err != nil {
			return err
		}
		Track(ctx, c)
	}
	return nil
}

// compare fills Fields with what differs.
func (c *Change) compare(secret []string, before, after map[string]any) error {
	names := after
	if after == nil {
		names = before
	}
	c.Fields = map[string]Field{}
	for name := range names {
		was, err := encoded(before, name)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", c.Entity, name, err)
		}
		is, err := encoded(after, name)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", c.Entity, name, err)
		}
		if string(was) == string(is) {
			continue
		}
		f := Field{Before: was, After: is}
		if slices.Contains(secret, name) {
			f = Field{Before: masked(was), After: masked(is)}
		}
		c.Fields[name] = f.shortened()
	}
	return nil
}

func encoded(values map[string]any, name string) (json.RawMessage, error) {
	value, ok := values[name]
	if !ok {
		return null, nil
	}
	return json.Marshal(value)
}
