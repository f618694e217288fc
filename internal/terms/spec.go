package terms

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

// Spec is a plan as the configuration spells it: "blog.*; rate 100 burst 200; requests 10000/month; seats 5/lifetime". Commas
// would end it where an environment variable lists several plans.
type Spec struct{ text string }

// UnmarshalText implements encoding.TextUnmarshaler. What it says is read by Grant, so that an error can name the plan.
func (s *Spec) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (s Spec) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// String is how the configuration spells it.
func (s Spec) String() string { return s.text }

// Grant is what the plan gives.
func (s Spec) Grant() (terms.Grant, error) {
	g := terms.Grant{Quotas: []quota.Limit{}, Entitlements: []entitlement.Name{}}
	for part := range strings.SplitSeq(s.text, ";") {
		if err := add(&g, strings.Fields(part)); err != nil {
			return g, fmt.Errorf("%q: %w", strings.TrimSpace(part), err)
		}
	}
	return g, nil
}

func add(g *terms.Grant, words []string) error {
	switch {
	case len(words) == 0:
		return nil
	case words[0] == "rate":
		return rate(&g.Rate, words)
	case words[0] == "key_rate":
		return rate(&g.KeyRate, words)
	case len(words) == 1:
		g.Entitlements = append(g.Entitlements, entitlement.Name(words[0]))
		return nil
	}
	amount, window, _ := strings.Cut(words[1], "/")
	n, err := strconv.ParseInt(amount, 10, 64)
	l := quota.Limit{Unit: quota.Unit(words[0]), Window: quota.Window(window), Amount: n, Soft: len(words) == 3}
	if err != nil || !l.Window.Valid() || len(words) > 3 || l.Soft && words[2] != "soft" {
		return errors.New("a quota is like requests 10000/month, and soft at its end makes it one")
	}
	g.Quotas = append(g.Quotas, l)
	return nil
}

func rate(into **terms.Rate, words []string) error {
	malformed := errors.New("a rate is like rate 100 burst 200, and there once")
	if len(words) != 4 || words[2] != "burst" || *into != nil {
		return malformed
	}
	second, err := strconv.Atoi(words[1])
	burst, failed := strconv.Atoi(words[3])
	if err != nil || failed != nil {
		return malformed
	}
	*into = &terms.Rate{PerSecond: second, Burst: burst}
	return nil
}
