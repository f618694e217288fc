package settings_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/settings"
)

var (
	open  = settings.Bool("shop.open", true, "x").Definition()
	size  = settings.Int("shop.size", 3, "x", settings.Between(1, 9), settings.Check(odd)).Definition()
	any53 = settings.Int("shop.number", 0, "x").Definition()
	name  = settings.String("shop.name", "", "x", settings.MaxLength(5), settings.Pattern(regexp.MustCompile(`^\S*$`))).Definition()
	pause = settings.Length("shop.pause", time.Minute, "x", settings.Between(time.Second, time.Hour)).Definition()
	order = settings.Enum("shop.order", "asc", []string{"asc", "desc"}, "x").Definition()
	tags  = settings.Strings("shop.tags", nil, "x", settings.MaxItems(2), settings.MaxLength(3)).Definition()
	key   = settings.Hidden("shop.api_key", "x", settings.MaxLength(4)).Definition()
)

func TestAValueIsReadOrRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		d    settings.Definition
		json string
		want any
		code string
	}{
		"a switch":                           {open, `false`, false, ""},
		"a switch as a text":                 {open, `"false"`, nil, "type"},
		"a switch as a number":               {open, `0`, nil, "type"},
		"nothing":                            {open, `null`, nil, "type"},
		"an integer":                         {size, `5`, 5, ""},
		"an integer with a point":            {size, `5.0`, 5, ""},
		"a fraction":                         {size, `5.5`, nil, "type"},
		"an integer as a text":               {size, `"5"`, nil, "type"},
		"an integer below":                   {size, `0`, nil, "too_small"},
		"an integer above":                   {size, `11`, nil, "too_large"},
		"an integer that is checked":         {size, `4`, nil, "invalid"},
		"the largest integer":                {any53, `9007199254740991`, 1<<53 - 1, ""},
		"an integer that loses digits":       {any53, `9007199254740993`, nil, "type"},
		"an integer beyond all measure":      {any53, `1e300`, nil, "type"},
		"a text":                             {name, `"äöüß1"`, "äöüß1", ""},
		"an empty text":                      {name, `""`, "", ""},
		"a text that is too long":            {name, `"abcdef"`, nil, "too_long"},
		"a text that does not match":         {name, `"a b"`, nil, "pattern"},
		"a text with a line break":           {name, `"a\nb"`, nil, "control_character"},
		"a text with a NUL":                  {name, `"\u0000"`, nil, "control_character"},
		"a number as a text":                 {name, `1`, nil, "type"},
		"a duration":                         {pause, `"1m30s"`, 90 * time.Second, ""},
		"a duration without a unit":          {pause, `"90"`, nil, "type"},
		"a duration as a number":             {pause, `90`, nil, "type"},
		"a duration that is too short":       {pause, `"1ms"`, nil, "too_small"},
		"a duration that is negative":        {pause, `"-1h"`, nil, "too_small"},
		"a duration that is too long":        {pause, `"61m"`, nil, "too_large"},
		"a choice":                           {order, `"desc"`, "desc", ""},
		"no choice":                          {order, `"DESC"`, nil, "enum"},
		"a list":                             {tags, `["a","b"]`, []string{"a", "b"}, ""},
		"an empty list":                      {tags, `[]`, []string{}, ""},
		"a list that is too long":            {tags, `["a","b","c"]`, nil, "too_many"},
		"a list with a number":               {tags, `["a",1]`, nil, "type"},
		"a list with a list":                 {tags, `[["a"]]`, nil, "type"},
		"a list with an empty item":          {tags, `[""]`, nil, "required"},
		"a list with an item there twice":    {tags, `["a","a"]`, nil, "repeated"},
		"a list with an item that is long":   {tags, `["abcd"]`, nil, "too_long"},
		"a text as a list":                   {tags, `"a"`, nil, "type"},
		"an object":                          {tags, `{"a":"b"}`, nil, "type"},
		"a secret":                           {key, `"1234"`, config.Secret("1234"), ""},
		"a secret that is empty":             {key, `""`, nil, "required"},
		"a secret that is too long":          {key, `"12345"`, nil, "too_long"},
		"a secret that is no text":           {key, `1234`, nil, "type"},
		"a choice that is spelled as a list": {order, `["asc"]`, nil, "type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v any
			require.NoError(t, json.Unmarshal([]byte(tt.json), &v))
			got, err := tt.d.Parse(v)
			if tt.code == "" {
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
				return
			}
			var f *settings.Fault
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.code, f.Code)
			require.True(t, strings.HasPrefix(f.Reason, "must "), f.Reason)
		})
	}
}

// What is spelled for an answer, or for the database, is read as the same value.
func TestWhatIsSpelledIsReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var d settings.Definition
		var value any
		switch rapid.SampledFrom([]settings.Type{settings.Boolean, settings.Integer, settings.Text, settings.Duration, settings.List}).Draw(t, "type") {
		case settings.Boolean:
			d, value = open, rapid.Bool().Draw(t, "value")
		case settings.Integer:
			d, value = any53, rapid.IntRange(-(1<<53-1), 1<<53-1).Draw(t, "value")
		case settings.Text:
			d, value = name, rapid.StringMatching(`[a-zä-ü€]{0,5}`).Draw(t, "value")
		case settings.Duration:
			d, value = pause, time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Hour)).Draw(t, "value"))
		default:
			d, value = tags, rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 0, 2, rapid.ID).Draw(t, "value")
		}
		encoded, err := json.Marshal(d.Plain(value))
		require.NoError(t, err)
		var plain any
		require.NoError(t, json.Unmarshal(encoded, &plain))
		got, err := d.Parse(plain)
		require.NoError(t, err)
		require.Equal(t, value, got)
	})
}

func TestASecretNeverShowsItself(t *testing.T) {
	t.Parallel()
	value, err := key.Parse("1234")
	require.NoError(t, err)
	encoded, err := json.Marshal(key.Plain(value))
	require.NoError(t, err)
	require.NotContains(t, string(encoded), "1234")
	d := settings.Hidden("shop.api_key", "x", settings.Check(func(config.Secret) error { return errors.New("must be another one") })).Definition()
	_, err = d.Parse("1234")
	require.EqualError(t, err, "must be another one")
}

func TestABoundIsSpelledAsItsValues(t *testing.T) {
	t.Parallel()
	low, high := pause.Range()
	require.Equal(t, []any{"1s", "1h"}, []any{low, high})
	low, high = size.Range()
	require.Equal(t, []any{int64(1), int64(9)}, []any{low, high})
	low, high = name.Range()
	require.Equal(t, []any{nil, nil}, []any{low, high})
}
