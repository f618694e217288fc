package identity

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAPasswordMustNotBeGuessed(t *testing.T) {
	t.Parallel()
	about := []string{"ada.lovelace@example.com", "Ada Lovelace", "Analytical Engines, Inc."}
	tests := map[string]struct{ password, code string }{
		"a common one":                            {"password123", "breached"},
		"a common one in capitals":                {"ILOVEYOU", "breached"},
		"a common word":                           {"electricity", "breached"},
		"the address":                             {"ada.lovelace@example.com", "personal"},
		"the local part of the address":           {"ada.lovelace", "personal"},
		"the local part with a year":              {"Ada.Lovelace-2026!", "personal"},
		"the name, written together, with digits": {"AdaLovelace1", "personal"},
		"the organization with a year":            {"Analytical2026!", "personal"},
		"the whole organization":                  {"Analytical Engines, Inc.", "personal"},
		"the name within a passphrase":            {"ada rides a purple bicycle", ""},
		"no digits, capitals or signs":            {"quiet violet hammock", ""},
		"one character again and again":           {strings.Repeat("x", 64), ""},
		"another script":                          {"пароль для аналитика", ""},
	}
	p := newPasswords(cheap())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault := p.check(test.password, about...)
			if test.code == "" {
				require.Nil(t, fault)
				return
			}
			require.NotNil(t, fault)
			require.Equal(t, test.code, fault.Code)
			require.NotContains(t, fault.Message, test.password)
		})
	}
}

// What is known about somebody never makes an unrelated password of enough characters unacceptable.
func TestAPasswordWithEnoughOfItsOwnIsFine(t *testing.T) {
	t.Parallel()
	p := newPasswords(cheap())
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-m]{3,12}`).Draw(t, "word")
		own := rapid.StringMatching(`[n-z]{8,30}[0-9]{4}[n-z]{2}`).Draw(t, "own")
		require.Nil(t, p.check(word+own, word+"@example.com", word))
		require.NotNil(t, p.check(word+own[:3]+word+word, word+"@example.com", word))
	})
}

func TestOddContextIsNoContext(t *testing.T) {
	t.Parallel()
	p := newPasswords(cheap())
	require.Nil(t, p.check("quiet violet hammock", "", "  ", "\x00", "@", "q@example.com", "Al", strings.Repeat("y", 10_000)))
}
