// Package policy is how a module asks what a tenant may use of things that the module knows by name, such as models or
// tools, and which of them to prefer.
package policy

import (
	"context"
	"regexp"

	"github.com/yourorg/platform/pkg/problem"
)

// Kind is a sort of thing, such as models. Constants are generated from module.yaml.
type Kind string

var format = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Valid tells whether k has the form of a kind.
func (k Kind) Valid() bool { return len(k) <= 50 && format.MatchString(string(k)) }

// Definition is a kind as module.yaml declares it.
type Definition struct {
	Name        Kind   `yaml:"name" json:"name"`
	Description string `yaml:"description" json:"description"` // a sentence
	// Default is what a tenant without an allow-list may use: "deny", which is also what an empty text means, or "allow".
	Default string `yaml:"default" json:"default"`
}

// ErrDenied is the answer to whoever wants to use what the tenant may not.
var ErrDenied = problem.New(problem.Forbidden, "policy.denied", "The tenant may not use this")

// Strategy is how a routing orders its targets.
type Strategy string

// The strategies.
const (
	Weighted Strategy = "weighted" // by chance: each comes first as often as its share of all weights says
	Priority Strategy = "priority" // as they are listed
)

// Routing says what a tenant prefers.
type Routing struct {
	Strategy Strategy `json:"strategy"`
	Targets  []Target `json:"targets"` // 1–20, none of them twice
}

// Target is something that a request can go to.
type Target struct {
	Name   string `json:"name"`             // 1–200 characters
	Weight int    `json:"weight,omitempty"` // 1–1000; only of a weighted routing
}

// Policies know what tenants may use. A change counts on every replica within a second; an answer takes well under a
// microsecond, except on first use and after a change.
type Policies interface {
	// Allowed returns nil when the tenant in ctx may use value: its allow-list of that kind names it, or has a pattern such
	// as gpt-* for it, or there is none and the kind allows by default. Otherwise it is ErrDenied. A kind that nobody
	// declares is an error.
	Allowed(ctx context.Context, k Kind, value string) error

	// Route returns the targets that the tenant in ctx prefers, best first; without a routing there are none. What it may
	// not use is left out. Calls with the same key, such as a conversation's id, agree for as long as the routing stays as
	// it is; when a target goes, only the keys that had it move. The empty key is a new one each time.
	Route(ctx context.Context, k Kind, key string) ([]string, error)
}
