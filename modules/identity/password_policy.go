package identity

import (
	"cmp"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yourorg/platform/modules/identity/internal/breached"
	"github.com/yourorg/platform/pkg/problem"
)

// minContext is the length of the shortest word that a password must not be made of.
const minContext = 3

// check says what is wrong with a new password, or nil. It keeps to NIST SP 800-63B: a least length, no password that is
// commonly used or made of what is known about its owner, and no rules about which characters it has. about is the
// user's e-mail address and name, and the names of their tenants.
func (p *passwords) check(password string, about ...string) *problem.Field {
	fault := func(code, message string, args ...any) *problem.Field {
		return &problem.Field{Field: "password", Code: code, Message: fmt.Sprintf(message, args...)}
	}
	switch {
	case password == "":
		return fault("required", "is required")
	case utf8.RuneCountInString(password) < p.minLength:
		return fault("too_short", "must have at least %d characters", p.minLength)
	case len(password) > maxPassword:
		return fault("too_long", "must have at most %d bytes", maxPassword)
	case breached.Contains(password):
		return fault("breached", "is one of the passwords that attackers try first")
	case p.derived(password, about):
		return fault("personal", "must not be made of your name, your e-mail address or the name of your organization")
	}
	return nil
}

// derived tells whether too little of a password is left without the words that it is about.
func (p *passwords) derived(password string, about []string) bool {
	rest := strings.ToLower(password)
	for _, word := range contextWords(about) {
		rest = strings.ReplaceAll(rest, word, " ")
	}
	if rest == strings.ToLower(password) {
		return false
	}
	left := 0
	for _, r := range rest {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			left++
		}
	}
	return left < p.minLength
}

// contextWords are the texts and the words in them, the longest first. Of an e-mail address the host does not count:
// most people share theirs with millions.
func contextWords(about []string) []string {
	var words []string
	for _, text := range about {
		text = strings.ToLower(strings.TrimSpace(text))
		if a, err := mail.ParseAddress(text); err == nil {
			words = append(words, a.Address)
			text = a.Address[:strings.LastIndex(a.Address, "@")]
		}
		words = append(words, text)
		words = append(words, strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	words = slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < minContext })
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(words)
}
