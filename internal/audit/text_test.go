package audit

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"plain text stays":            {"blog.post:1 ÄÖ 漢字", "blog.post:1 ÄÖ 漢字"},
		"line breaks go":              {"a\r\nactor=b", "aactor=b"},
		"NUL and escape go":           {"a\x00\x1b[31mb", "a[31mb"},
		"other line separators go":    {"a\u2028\u2029\u0085b", "ab"},
		"reversed writing goes":       {"a\u202eb", "ab"},
		"invalid UTF-8 goes":          {"a\xff\xc3b", "ab"},
		"the first 20 bytes are kept": {strings.Repeat("x", 21), strings.Repeat("x", 20)},
		"no character is cut in two":  {strings.Repeat("x", 19) + "é", strings.Repeat("x", 19)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit := 20
			if len(test.want) > limit {
				limit = len(test.want)
			}
			require.Equal(t, test.want, clean(test.text, limit))
		})
	}
}

func TestCleanTextIsShortAndValid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text")) + rapid.String().Draw(t, "more")
		limit := rapid.IntRange(0, 40).Draw(t, "limit")
		got := clean(text, limit)
		require.LessOrEqual(t, len(got), limit)
		require.True(t, utf8.ValidString(got))
		require.NotContains(t, got, "\x00")
		require.Equal(t, got, clean(got, limit))
	})
}
