package blog

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestATextHasItsDifferentWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                              nil,
		"… — !":                         nil,
		"Hello, hello WORLD":            {"hello", "world"},
		"It's 42°":                      {"it", "s", "42"},
		"Größe straße":                  {"größe", "straße"},
		"东京tower":                       {"东", "京", "tower"},
		"go语言2":                         {"go", "语", "言", "2"},
		strings.Repeat("x", maxTerm+10): {strings.Repeat("x", maxTerm)},
	} {
		require.Equal(t, want, termsOf(text), text)
	}
}

func FuzzTermsOf(f *testing.F) {
	f.Add("Hello, 世界!")
	f.Add("\xff\x00 a")
	f.Fuzz(func(t *testing.T, text string) {
		terms := termsOf(text)
		require.LessOrEqual(t, len(terms), maxTerms)
		sorted := slices.Sorted(slices.Values(terms))
		require.Len(t, slices.Compact(sorted), len(terms), "each once")
		for _, term := range terms {
			require.NotEmpty(t, term)
			require.True(t, utf8.ValidString(term), "%q", term)
			require.LessOrEqual(t, utf8.RuneCountInString(term), maxTerm)
			require.NotContains(t, term, "\x00")
		}
	})
}
