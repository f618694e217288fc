package blog

import (
	"strings"
	"unicode"
)

const (
	maxTerm  = 64   // characters; what goes on is cut off
	maxTerms = 5000 // of one post, the first ones
)

// termsOf are the different words of a text in lower case, in the order of their first appearance. A word is a run of
// letters and digits; in a script without spaces each letter is one.
func termsOf(text string) []string {
	var terms []string
	seen := map[string]bool{}
	keep := func(word string) {
		if r := []rune(word); len(r) > maxTerm {
			word = string(r[:maxTerm])
		}
		if word != "" && !seen[word] && len(terms) < maxTerms {
			seen[word] = true
			terms = append(terms, word)
		}
	}
	for _, run := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		begin := 0
		for at, r := range run {
			if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) {
				keep(run[begin:at])
				keep(string(r))
				begin = at + len(string(r))
			}
		}
		keep(run[begin:])
	}
	return terms
}
