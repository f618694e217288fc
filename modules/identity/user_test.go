package identity

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOneAddressHasOneNormalForm(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"ada@example.com", " Ada@Example.COM\t", "ADA@EXAMPLE.COM"} {
		require.Equal(t, "ada@example.com", normalizeEmail(typed))
	}
	require.Equal(t, normalizeEmail("ju\u0308rgen@example.com"), normalizeEmail("j\u00fcrgen@example.com"))
}

func TestNormalizingAValidAddressKeepsItValidAndIsDoneOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringMatching(` ?[A-Za-z0-9._%+-]{1,10}@[A-Za-z0-9.-]{1,10} ?`).Draw(t, "address")
		if !validEmail(address) {
			t.Skip("not an address")
		}
		normal := normalizeEmail(address)
		require.True(t, validEmail(normal))
		require.Equal(t, normal, normalizeEmail(normal))
		require.Equal(t, normal, normalizeEmail(strings.ToUpper(address)))
	})
}

func TestEmailAddresses(t *testing.T) {
	t.Parallel()
	valid := map[string]string{
		"a plain address":        "ada@example.com",
		"a host without a dot":   "admin@localhost",
		"a tag":                  "ada+blog@example.com",
		"surrounding space":      "  ada@example.com ",
		"capitals":               "Ada.Lovelace@Example.COM",
		"254 characters at most": strings.Repeat("a", 60) + "@" + strings.Repeat("b", 189) + ".com",
	}
	invalid := map[string]string{
		"nothing":                       "",
		"only space":                    "  ",
		"no host":                       "ada@",
		"no name":                       "@example.com",
		"no at sign":                    "ada.example.com",
		"two at signs":                  "ada@b@example.com",
		"a display name":                "Ada <ada@example.com>",
		"angle brackets":                "<ada@example.com>",
		"a comment":                     "ada@example.com(home)",
		"two addresses":                 "ada@example.com,bob@example.com",
		"a space inside":                "ada lovelace@example.com",
		"a NUL byte":                    "ada\x00@example.com",
		"a line break":                  "ada@example.com\r\nBcc: bob@example.com",
		"another script":                "аdа@example.com",
		"a letter that lowers to ASCII": "\u212aate@example.com",
		"invalid UTF-8":                 "ada\xff@example.com",
		"255 characters":                strings.Repeat("a", 61) + "@" + strings.Repeat("b", 189) + ".com",
	}
	for name, address := range valid {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.True(t, validEmail(address))
		})
	}
	for name, address := range invalid {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.False(t, validEmail(address))
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, code string }{
		"a name":                           {"Ada Lovelace", ""},
		"surrounding space does not count": {" " + strings.Repeat("ä", 200) + " ", ""},
		"201 characters":                   {strings.Repeat("x", 201), "too_long"},
		"only space":                       {" \t ", "required"},
		"a NUL byte":                       {"Ada\x00", "invalid"},
		"a line break":                     {"Ada\nLovelace", "invalid"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault := checkName("tenant_name", test.name)
			if test.code == "" {
				require.Nil(t, fault)
				return
			}
			require.NotNil(t, fault)
			require.Equal(t, "tenant_name", fault.Field)
			require.Equal(t, test.code, fault.Code)
		})
	}
}
