package config

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
)

// choices are two sections of one name, as two modules declare them.
func choices() []config.Section {
	short := func(v any) error {
		if len(v.(string)) > 2 {
			return errors.New("must have at most 2 characters")
		}
		return nil
	}
	secret := func(v any) error {
		if v == config.Secret("hunter2") {
			return errors.New("must not be hunter2")
		}
		return nil
	}
	return []config.Section{
		webSection(),
		{Name: "choices", Declared: []config.Declaration{
			{Key: "shop.size", Default: "m", Doc: "The size.", Check: short},
			{Key: "shop.pause", Default: time.Minute, Doc: "The pause."},
		}},
		{Name: "choices", Declared: []config.Declaration{
			{Key: "blog.tags", Default: []string(nil), Doc: "The tags."},
			{Key: "blog.key", Default: config.Secret(""), Doc: "The key.", Check: secret},
		}},
	}
}

func TestDeclaredKeysAreReadAsOthersAre(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("x.yaml", "choices:\n  shop: {pause: 1h}\n  blog: {tags: [a, b]}\n")
	p.opts.File = p.path("x.yaml")
	p.env("PLATFORM_CHOICES_SHOP_SIZE=xl")
	p.opts.Set = []string{"choices.blog.key=s3cret"}
	c, err := Load(p.opts, choices())
	require.NoError(t, err)
	for key, want := range map[string]any{
		"choices.shop.size": "xl", "choices.shop.pause": time.Hour, "choices.blog.tags": []string{"a", "b"},
		"choices.blog.key": config.Secret("s3cret"),
	} {
		got, known := c.Get(key)
		require.True(t, known, key)
		require.Equal(t, want, got)
		require.True(t, c.Given(key), key)
	}
	require.False(t, c.Given("web.addr"))
	require.False(t, c.Given("web.nothing"))
}

func TestADeclaredKeyThatCannotWorkStopsTheStart(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{
		"choices.shop.size=xxl":     "choices.shop.size must have at most 2 characters (from flag --set)",
		"choices.shop.sise=m":       "choices.shop.sise is not a known key; did you mean choices.shop.size? (from flag --set)",
		"choices.shop.pause=x":      `choices.shop.pause must be a duration such as "30s" or "1h30m" (from flag --set)`,
		"choices.blog.key=hunter2":  "choices.blog.key is not acceptable (from flag --set)",
		"choices.blog.nothing.at=1": "choices.blog.nothing.at is not a known key (from flag --set)",
	} {
		p := newPlace(t)
		p.opts.Set = []string{set}
		_, err := Load(p.opts, choices())
		require.EqualError(t, err, want)
	}
}

func TestADeclarationThatCannotBeAKeyIsNamed(t *testing.T) {
	t.Parallel()
	one := func(d config.Declaration) []config.Section {
		return append(choices(), config.Section{Name: "choices", Declared: []config.Declaration{d}})
	}
	for name, tt := range map[string]struct {
		sections []config.Section
		want     string
	}{
		"a key twice":           {one(config.Declaration{Key: "shop.size", Default: "m", Doc: "x"}), "choices.shop.size is declared twice"},
		"a bad name":            {one(config.Declaration{Key: "shop.Size", Default: "m", Doc: "x"}), `section choices: the key "shop.Size" must be lower case`},
		"no default":            {one(config.Declaration{Key: "shop.x", Doc: "x"}), "choices.shop.x: a setting cannot be a <nil>"},
		"a default of a struct": {one(config.Declaration{Key: "shop.x", Default: struct{}{}, Doc: "x"}), "choices.shop.x: a setting cannot be a struct {}"},
		"no sentence":           {one(config.Declaration{Key: "shop.x", Default: 1}), "choices.shop.x: the sentence about it is missing"},
		"a key that is a group": {one(config.Declaration{Key: "shop", Default: 1, Doc: "x"}), "choices.shop is declared twice"},
		"a variable of two keys": {
			one(config.Declaration{Key: "shop_size", Default: "m", Doc: "x"}),
			"choices.shop.size and choices.shop_size would both be set by PLATFORM_CHOICES_SHOP_SIZE",
		},
		"a struct beside the keys": {
			[]config.Section{{Name: "web", Defaults: defaultWeb(), Declared: []config.Declaration{{Key: "x", Default: 1, Doc: "x"}}}},
			`section "web": declared keys need a section of their own`,
		},
		"a key of a struct": {
			[]config.Section{webSection(), {Name: "web", Declared: []config.Declaration{{Key: "addr", Default: "", Doc: "x"}}}},
			"web.addr is declared twice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Keys(tt.sections)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestTableExplainsDeclaredKeysWithTheirSentence(t *testing.T) {
	t.Parallel()
	got, err := Table("../..", choices())
	require.NoError(t, err)
	require.Contains(t, got, "| `choices.shop.pause` | `PLATFORM_CHOICES_SHOP_PAUSE` | duration | `1m` | The pause. |\n")
	require.Contains(t, got, "| `choices.blog.key` | `PLATFORM_CHOICES_BLOG_KEY` | secret |  | The key. |\n")
}
