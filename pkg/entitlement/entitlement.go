// Package entitlement is how a module asks whether a tenant's plan grants a feature. A permission says what a person may
// do; an entitlement says what their tenant has.
package entitlement

import (
	"context"
	"regexp"

	"github.com/yourorg/platform/pkg/problem"
)

// Name is a feature that a plan may grant: <module>.<feature>, such as blog.scheduling. Constants are generated from module.yaml.
type Name string

var format = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)

// Valid tells whether n has the form of a name.
func (n Name) Valid() bool { return len(n) <= 100 && format.MatchString(string(n)) }

// Definition is a feature as module.yaml declares it.
type Definition struct {
	Name        Name   `yaml:"name" json:"name"`
	Description string `yaml:"description" json:"description"` // a sentence
}

// ErrMissing is the answer to a tenant whose plan does not grant the feature. It is not about the person who asks.
var ErrMissing = problem.New(problem.Forbidden, "entitlement.missing", "The plan of the tenant does not include this")

// Checker knows what tenants are entitled to.
type Checker interface {
	// Check returns nil when the tenant in ctx is entitled to the feature, ErrMissing when it is not, and an error when
	// that cannot be found out: nobody gets through because of it. A change of the plan counts on every replica within a
	// second. It takes well under a microsecond, except on first use and after a change.
	Check(ctx context.Context, n Name) error
}
