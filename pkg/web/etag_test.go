package web_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/web"
)

func TestIfMatch(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name, header string
		want         bool
	}{
		{"the tag itself", `"3"`, true},
		{"any version", `*`, true},
		{"one of several", `"1", "3"`, true},
		{"another version", `"2"`, false},
		{"a weak tag", `W/"3"`, false},
		{"a weak tag and a strong one", `W/"3", "3"`, true},
		{"a star in a list", `"1", *`, false},
		{"behind a tag with a comma", `"1,2","3"`, true},
		{"a part of a tag with commas", `"1,"3",2"`, false},
		{"the inside of a tag", `"1, 3"`, false},
		{"behind what is no tag", `3, "3"`, false},
		{"without quotes", `3`, false},
		{"empty", ``, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			require.Equal(t, tt.want, web.Match(tt.header, web.ETag(3)))
		})
	}
}

func TestAConditionThatIsNotGivenAlwaysHolds(t *testing.T) {
	t.Parallel()
	require.True(t, web.IfMatch(nil).Holds(3))
	require.True(t, web.Condition{}.HoldsFor(`"x"`))
	stale := `"2"`
	require.False(t, web.IfMatch(&stale).Holds(3))
	require.True(t, web.IfMatch(&stale).Holds(2))
}

func TestAConditionComparesTheVersionBesideTheRest(t *testing.T) {
	t.Parallel()
	tag, err := web.ETagBeside(3, "x")
	require.NoError(t, err)
	other, err := web.ETagBeside(3, "y")
	require.NoError(t, err)
	require.NotEqual(t, tag, other)
	for header, want := range map[string]bool{tag: true, other: true, `"1", "3"`: true, "*": true, `"30-x"`: false, `"2"`: false, "W/" + tag: false, "": false} {
		require.Equal(t, want, web.IfMatch(&header).HoldsBeside(3), header)
	}
	require.True(t, web.IfMatch(nil).HoldsBeside(3))
	_, err = web.ETagBeside(3, func() {})
	require.Error(t, err)
}

func TestADigestIsOfWhatIsShown(t *testing.T) {
	t.Parallel()
	one, err := web.Digest(map[string]int{"a": 1, "b": 2})
	require.NoError(t, err)
	same, err := web.Digest(map[string]int{"b": 2, "a": 1})
	require.NoError(t, err)
	other, err := web.Digest(map[string]int{"a": 1, "b": 3})
	require.NoError(t, err)
	require.Equal(t, one, same)
	require.NotEqual(t, one, other)
	require.Regexp(t, `^"[A-Za-z0-9_-]{22}"$`, one)
	_, err = web.Digest(func() {})
	require.ErrorContains(t, err, "digest")
}

func TestIfNoneMatch(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name  string
		lines []string
		tag   string
		want  bool
	}{
		{"the tag itself", []string{`"3"`}, `"3"`, true},
		{"a weak tag that is asked for", []string{`W/"3"`}, `"3"`, true},
		{"a weak tag that is there", []string{`"3"`}, `W/"3"`, true},
		{"whatever there is", []string{` * `}, `"3"`, true},
		{"one of several", []string{`"1",W/"2" , "3"`}, `"3"`, true},
		{"in another line", []string{`"1"`, `"3"`}, `"3"`, true},
		{"empty elements", []string{`,, ,"3",`}, `"3"`, true},
		{"a tag with a comma", []string{`"1,2", "3"`}, `"3"`, true},
		{"a part of a tag with commas", []string{`"1,"3",2"`}, `"4"`, false},
		{"inside of another", []string{`"1, 3"`}, `"3"`, false},
		{"another version", []string{`"2"`}, `"3"`, false},
		{"weak is written in upper case", []string{`w/"3"`}, `"3"`, false},
		{"a star in a list", []string{`"1", *`}, `"3"`, false},
		{"behind what is no tag", []string{`3, "3"`}, `"3"`, false},
		{"no end", []string{`"3`}, `"3"`, false},
		{"a weak nothing", []string{`W/`}, `"3"`, false},
		{"empty", []string{``}, `"3"`, false},
		{"none", nil, `"3"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			require.Equal(t, tt.want, web.Fresh(tt.lines, tt.tag))
		})
	}
}
