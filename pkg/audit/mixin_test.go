package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"entgo.io/ent"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/tx"
)

// fake is a mutation of a table in memory.
type fake struct {
	ent.Mutation
	op    ent.Op
	table map[string]map[string]any
	ids   []any // which it is about
}

var tenantOfFakes = uuid.MustParse("0190a000-0000-7000-8000-000000000001")

func (f *fake) Op() ent.Op { return f.op }

func (f *fake) EntityP() Entity {
	return Entity{Name: "shop.card", Secret: []string{"number"}, Driver: runner{}}
}

func (f *fake) BeforeP(context.Context) ([]Row, error) { return f.rows(f.ids), nil }

func (f *fake) AfterP(_ context.Context, ids ...any) ([]Row, error) {
	if len(ids) == 0 {
		ids = f.ids
	}
	return f.rows(ids), nil
}

func (f *fake) rows(ids []any) []Row {
	var found []Row
	for _, id := range ids {
		if values, ok := f.table[fmt.Sprint(id)]; ok {
			copied := map[string]any{}
			for name, v := range values {
				copied[name] = v
			}
			found = append(found, Row{ID: id, Tenant: tenantOfFakes, Values: copied})
		}
	}
	return found
}

type runner struct{}

func (runner) InTx(ctx context.Context, fn func(context.Context) error) error {
	ctx, _ = tx.NewContext(ctx)
	return fn(ctx)
}

// mutate runs do as the mutation m, and returns what was tracked.
func mutate(t require.TestingT, m ent.Mutation, do func()) []Change {
	ctx, _ := tx.NewContext(context.Background())
	hook := Mixin{}.Hooks()[0](ent.MutateFunc(func(context.Context, ent.Mutation) (ent.Value, error) { do(); return 1, nil }))
	value, err := hook.Mutate(ctx, m)
	require.NoError(t, err)
	require.Equal(t, 1, value)
	return Tracked(ctx, func(Change) bool { return true })
}

func TestEveryMutationIsCompared(t *testing.T) {
	t.Parallel()
	table := map[string]map[string]any{"1": {"name": "a", "number": "4711", "limit": 3}, "2": {"name": "b", "number": "4712", "limit": 3}}
	m := &fake{op: ent.OpCreate, table: table, ids: []any{"3"}}
	require.Equal(t, []Change{{
		Entity: "shop.card", ID: "3", Action: Created, Tenant: tenantOfFakes,
		Fields: map[string]Field{"name": {Before: null, After: json.RawMessage(`"c"`)}, "number": {Before: null, After: mask}},
	}}, mutate(t, m, func() { table["3"] = map[string]any{"name": "c", "number": "4713", "limit": nil} }))

	m = &fake{op: ent.OpUpdate, table: table, ids: []any{"1", "2"}}
	require.Equal(t, []Change{{
		Entity: "shop.card", ID: "1", Action: Updated, Tenant: tenantOfFakes,
		Fields: map[string]Field{"number": {Before: mask, After: mask}, "limit": {Before: json.RawMessage("3"), After: json.RawMessage("4")}},
	}}, mutate(t, m, func() { table["1"] = map[string]any{"name": "a", "number": "9", "limit": 4} }), "what stays the same leaves no trace")

	m = &fake{op: ent.OpDelete, table: table, ids: []any{"2"}}
	deleted := mutate(t, m, func() { delete(table, "2") })
	require.Len(t, deleted, 1)
	require.Equal(t, Deleted, deleted[0].Action)
	require.Equal(t, Field{Before: mask, After: null}, deleted[0].Fields["number"])

	m = &fake{op: ent.OpCreate, table: table, ids: []any{"4"}}
	require.Empty(t, mutate(t, m, func() {}), "a creation that gave way to another row")
}

func TestAMutationThatFailsLeavesNoTrace(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for _, op := range []ent.Op{ent.OpCreate, ent.OpUpdate, ent.OpUpdateOne, ent.OpDelete, ent.OpDeleteOne} {
		ctx, _ := tx.NewContext(t.Context())
		hook := Mixin{}.Hooks()[0](ent.MutateFunc(func(context.Context, ent.Mutation) (ent.Value, error) { return nil, failed }))
		_, err := hook.Mutate(ctx, &fake{op: op, table: map[string]map[string]any{"1": {"name": "a"}}, ids: []any{"1"}})
		require.ErrorIs(t, err, failed)
		require.Empty(t, Tracked(ctx, func(Change) bool { return true }))
	}
}

func TestAMutationWithoutGeneratedCodeIsRefused(t *testing.T) {
	t.Parallel()
	hook := Mixin{}.Hooks()[0](ent.MutateFunc(func(context.Context, ent.Mutation) (ent.Value, error) { return nil, nil }))
	_, err := hook.Mutate(t.Context(), struct{ ent.Mutation }{})
	require.ErrorContains(t, err, "changes.tmpl")
}

// Whatever is in a row, its secrets do not come out.
func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOf(rapid.SampledFrom([]string{"name", "number", "limit"}), rapid.StringMatching("[a-z]{0,9}|hunter2{1,3}"))
		secret := func(m map[string]string) map[string]any {
			out := map[string]any{}
			for k, v := range m {
				out[k] = v
			}
			out["number"] = "hunter2" + m["number"]
			return out
		}
		c := Change{}
		before, after := secret(values.Draw(t, "before")), secret(values.Draw(t, "after"))
		delete(before, "name")
		delete(after, "name")
		delete(before, "limit")
		delete(after, "limit")
		require.NoError(t, c.compare([]string{"number"}, before, after))
		encoded, err := json.Marshal(c)
		require.NoError(t, err)
		require.NotContains(t, string(encoded), "hunter2")
		require.Equal(t, before["number"] != after["number"], len(c.Fields) == 1, "that it changed is shown")
	})
}

func TestALongValueIsShortened(t *testing.T) {
	t.Parallel()
	var c Change
	require.NoError(t, c.compare(nil, map[string]any{"a": "short", "b": 1}, map[string]any{"a": strings.Repeat("ä", maxValue), "b": 2}))
	require.True(t, c.Fields["a"].Shortened)
	require.False(t, c.Fields["b"].Shortened)
	require.JSONEq(t, `"short"`, string(c.Fields["a"].Before))
	var text string
	require.NoError(t, json.Unmarshal(c.Fields["a"].After, &text))
	require.Equal(t, strings.Repeat("ä", maxValue/2), text)
}

func TestTrackedChangesAreTakenOnce(t *testing.T) {
	t.Parallel()
	ctx, _ := tx.NewContext(t.Context())
	Track(ctx, Change{ID: "1"})
	Track(ctx, Change{ID: "2"})
	Track(t.Context(), Change{ID: "3"})
	require.Len(t, Tracked(ctx, func(c Change) bool { return c.ID == "2" }), 1)
	require.Equal(t, []Change{{ID: "1"}}, Tracked(ctx, func(Change) bool { return true }))
	require.Empty(t, Tracked(ctx, func(Change) bool { return true }))
	require.Empty(t, Tracked(t.Context(), func(Change) bool { return true }))
}
