package settings

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/settings"
)

func choose(t *testing.T, r *Registry, id, user uuid.UUID, value any) {
	t.Helper()
	_, err := r.Change(as(t.Context(), id, user), settings.Change{Level: settings.Tenant, Values: map[string]any{"shop.everybody": value}})
	require.NoError(t, err)
}

func TestWhatIsRememberedIsReadAgainWhenSomebodySaysSo(t *testing.T) {
	t.Parallel()
	d, f, elsewhere := store(t), &feed{}, &feed{}
	r, other := newRegistry(t, d, f, nil, everybody), newRegistry(t, d, elsewhere, nil, everybody)
	id, user := uuid.New(), uuid.New()
	counts := func(want string) {
		t.Helper()
		got, err := everybody.Get(as(t.Context(), id, user), r)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	counts("a")
	choose(t, other, id, user, "b")
	counts("a") // nobody has said so
	f.fn(scopeID{tenant: uuid.New()}.String())
	counts("a")
	f.fn(scopeID{tenant: id}.String())
	counts("b")
	choose(t, other, id, user, "c")
	f.fn("") // announcements may have been missed
	counts("c")
	choose(t, other, id, user, "a")
	f.set(true)
	counts("a") // the feed is not to be relied on
	choose(t, other, id, user, "b")
	counts("b")
}

// What was read before a change and arrives after it must not stay.
func TestAReadThatACommitOvertakesIsNotKept(t *testing.T) {
	t.Parallel()
	var c cache
	id := scopeID{tenant: uuid.New()}
	s, generation := c.get(id)
	require.Nil(t, s)
	c.forget(id)
	c.put(&scope{id: id}, generation)
	s, generation = c.get(id)
	require.Nil(t, s)
	c.forgetAll()
	c.put(&scope{id: id}, generation)
	s, generation = c.get(id)
	require.Nil(t, s)
	c.put(&scope{id: id, version: 7}, generation)
	s, _ = c.get(id)
	require.Equal(t, 7, s.version)
}

func TestTheMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var c cache
	for range shardCount * shardScopes * 2 {
		id := scopeID{tenant: uuid.New(), user: uuid.New()}
		_, generation := c.get(id)
		c.put(&scope{id: id}, generation)
	}
	kept := 0
	for i := range c.shards {
		require.LessOrEqual(t, len(c.shards[i].scopes), shardScopes)
		kept += len(c.shards[i].scopes)
	}
	require.Greater(t, kept, shardCount*shardScopes/2)
}

func TestAChangeThatIsRolledBackDoesNotCount(t *testing.T) {
	t.Parallel()
	d, f := store(t), &feed{}
	r := newRegistry(t, d, f, nil, everybody)
	id, user := uuid.New(), uuid.New()
	mine := errors.New("mine")
	err := d.InTx(as(t.Context(), id, user), func(ctx context.Context) error {
		view, err := r.Change(ctx, settings.Change{Level: settings.User, Values: map[string]any{"shop.everybody": "c"}})
		require.NoError(t, err)
		require.Equal(t, "c", view.Settings[0].Value, "the answer knows")
		got, err := everybody.Get(ctx, r)
		require.NoError(t, err)
		require.Equal(t, "a", got, "nobody else does yet")
		return mine
	})
	require.ErrorIs(t, err, mine)
	got, err := everybody.Get(as(t.Context(), id, user), r)
	require.NoError(t, err)
	require.Equal(t, "a", got)
}

func BenchmarkEffective(b *testing.B) {
	id, user := uuid.New(), uuid.New()
	r := &Registry{feed: &feed{}, byKey: map[string]definition{
		"shop.everybody": {Definition: everybody.Definition(), inherited: "a", source: settings.Default},
	}}
	for _, s := range []*scope{
		{id: scopeID{tenant: id}, values: map[string]any{"shop.everybody": "b"}}, {id: scopeID{tenant: id, user: user}},
	} {
		_, generation := r.cache.get(s.id)
		r.cache.put(s, generation)
	}
	ctx := as(context.Background(), id, user)
	b.ReportAllocs()
	for b.Loop() {
		if got, err := everybody.Get(ctx, r); err != nil || got != "b" {
			b.Fatal(got, err)
		}
	}
}
