package settings

import (
	"context"
	"maps"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
)

var (
	everybody = settings.Enum("shop.everybody", "a", letters, "x", settings.ForTenants(""), settings.ForUsers())
	tenants   = settings.Enum("shop.tenants", "a", letters, "x", settings.ForTenants(""))
	users     = settings.Enum("shop.users", "a", letters, "x", settings.ForUsers())
	operator  = settings.Enum("shop.operator", "a", letters, "x")
)

var letters = []string{"a", "b", "c", "z"}

func TestADefinitionThatCannotWorkStopsTheStart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		declared []settings.Defined
		want     string
	}{
		"a malformed one":           {[]settings.Defined{settings.Bool("shop.open", true, "")}, `the setting "shop.open": the description is missing`},
		"one that is there twice":   {[]settings.Defined{tenants, tenants}, `the setting "shop.tenants": it is declared twice`},
		"one of another module":     {[]settings.Defined{settings.Bool("blog.open", true, "x")}, `there is no module called "blog"`},
		"a permission to change":    {[]settings.Defined{settings.Bool("shop.open", true, "x", settings.ForTenants("shop.open.change"))}, `no module declares the permission "shop.open.change"`},
		"a permission to read":      {[]settings.Defined{settings.Bool("shop.open", true, "x", settings.ReadableWith("shop.open.read"))}, `no module declares the permission "shop.open.read"`},
		"one without configuration": {[]settings.Defined{settings.Bool("shop.lost", true, "x")}, "contribute it with module.Settings"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := environment{"settings.shop.open": true, "settings.blog.open": true, "settings.shop.tenants": "a"}
			var all []settings.Definition
			for _, d := range tt.declared {
				all = append(all, d.Definition())
			}
			_, err := New(Parts{Feed: &feed{}, Environment: env, Log: zap.NewNop()}, shop{}, all)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestASettingThatNobodyContributesIsAnError(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, nil, &feed{}, nil, operator)
	_, err := tenants.Get(t.Context(), r)
	require.ErrorContains(t, err, `there is no setting "shop.tenants"`)
	got, err := operator.GetFor(t.Context(), r, uuid.New(), uuid.New())
	require.NoError(t, err, "the operator's is read without a database")
	require.Equal(t, "a", got)
}

func TestNobodyChangesSettingsWithoutACaller(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, nil, &feed{}, nil, everybody)
	id, user := uuid.New(), uuid.New()
	for name, ctx := range map[string]context.Context{
		"nobody":                     t.Context(),
		"no caller":                  tenant.NewContext(t.Context(), id),
		"a caller of another tenant": tenant.NewContext(as(t.Context(), uuid.New(), user), id),
		"a caller without an id":     as(t.Context(), id, uuid.Nil),
	} {
		_, err := r.View(ctx)
		require.ErrorIs(t, err, settings.ErrNotPermitted, name)
		_, err = r.Change(ctx, settings.Change{Level: settings.User, Values: map[string]any{"shop.everybody": "b"}})
		require.ErrorIs(t, err, settings.ErrNotPermitted, name)
	}
}

// TestTheOrderOfTheLevelsHolds changes settings at random and holds every answer against a model that is a list of
// maps: the first that has a value counts.
func TestTheOrderOfTheLevelsHolds(t *testing.T) {
	t.Parallel()
	d, f := store(t), &feed{}
	declared := []settings.Setting[string]{everybody, tenants, users, operator}
	rapid.Check(t, func(rt *rapid.T) {
		given := environment{}
		for _, s := range declared {
			if rapid.Bool().Draw(rt, "given") {
				given["settings."+s.Definition().Key] = "z"
			}
		}
		r := newRegistry(t, d, f, given, everybody, tenants, users, operator)
		ids := []uuid.UUID{uuid.New(), uuid.New()}
		people := []uuid.UUID{uuid.New(), uuid.New()} // each in both tenants
		chosen := map[scopeID]map[string]string{}
		changes := rapid.IntRange(0, 6).Draw(rt, "changes")
		for range changes {
			id, user := rapid.SampledFrom(ids).Draw(rt, "tenant"), rapid.SampledFrom(people).Draw(rt, "user")
			level := rapid.SampledFrom([]settings.Level{settings.Tenant, settings.User}).Draw(rt, "level")
			scope := scopeID{tenant: id}
			if level == settings.User {
				scope.user = user
			}
			wanted := maps.Clone(chosen[scope])
			if wanted == nil {
				wanted = map[string]string{}
			}
			values, allowed := map[string]any{}, true
			for _, s := range rapid.SliceOfNDistinct(rapid.SampledFrom(declared), 1, 2, func(s settings.Setting[string]) string { return s.Definition().Key }).Draw(rt, "keys") {
				key := s.Definition().Key
				allowed = allowed && s.Definition().Allows(level)
				if rapid.IntRange(0, 2).Draw(rt, "reset") == 0 {
					values[key] = nil
					delete(wanted, key)
					continue
				}
				value := rapid.SampledFrom(letters[:3]).Draw(rt, "value")
				values[key], wanted[key] = value, value
			}
			_, err := r.Change(as(t.Context(), id, user), settings.Change{Level: level, Values: values})
			if !allowed {
				require.ErrorIs(rt, err, settings.ErrInvalid)
				continue // and nothing of it is kept
			}
			require.NoError(rt, err)
			chosen[scope] = wanted
		}
		for _, s := range declared {
			key := s.Definition().Key
			for _, id := range append(ids, uuid.Nil) {
				for _, user := range append(people, uuid.Nil) {
					want := "a"
					if given["settings."+key] != nil {
						want = "z"
					}
					for _, scope := range []scopeID{{tenant: id}, {tenant: id, user: user}} {
						if value, ok := chosen[scope][key]; ok {
							want = value
						}
					}
					got, err := s.GetFor(t.Context(), r, id, user)
					require.NoError(rt, err)
					require.Equal(rt, want, got, "%s of %s in %s", key, user, id)
				}
			}
		}
	})
}
