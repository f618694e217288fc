package perm

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Owner is the attribute that says whose a resource is: the id of a user.
const Owner = "owner"

// MaxCondition is the length of the longest condition, in bytes.
const MaxCondition = 500

// Condition narrows a grant: the permission is held while all of its clauses are true. They are joined by " and ":
//
//	own                           the resource's attribute "owner" is the caller
//	status=draft                  the resource has the attribute with exactly this value
//	from=2026-01-01T00:00:00Z     not before this time
//	until=2026-02-01T00:00:00Z    before this time
//	days=mon-fri                  on these days of the week, in UTC
//	hours=09:00-17:00             from the first time of day until before the second, in UTC; may span midnight
//
// The zero value has no clauses and is always true.
type Condition struct {
	text    string
	clauses []clause
}

// Facts are what conditions are held against.
type Facts struct {
	Caller     uuid.UUID
	Now        time.Time
	Attributes map[string]string // of the resource; nil without one, and then every clause about it is false
}

var (
	attributeFormat = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	valueFormat     = regexp.MustCompile(`^[A-Za-z0-9_.:@/+-]{1,100}$`)
	reserved        = []string{"and", "own", "from", "until", "days", "hours"}
)

// ValidAttribute tells whether name can name an attribute of a resource in a condition.
func ValidAttribute(name string) bool {
	return attributeFormat.MatchString(name) && !slices.Contains(reserved, name)
}

// ParseCondition reads a condition. An empty text is the zero Condition. What could never be true is an error.
func ParseCondition(text string) (Condition, error) {
	var c Condition
	if text == "" {
		return c, nil
	}
	if len(text) > MaxCondition {
		return c, fmt.Errorf("the condition is longer than %d bytes", MaxCondition)
	}
	for part := range strings.SplitSeq(text, " and ") {
		parsed, err := parseClause(strings.TrimSpace(part))
		if err != nil {
			return Condition{}, err
		}
		if slices.ContainsFunc(c.clauses, func(other clause) bool { return other.key == parsed.key }) {
			return Condition{}, fmt.Errorf("the condition speaks of %q twice", parsed.key)
		}
		c.clauses = append(c.clauses, parsed)
	}
	slices.SortFunc(c.clauses, func(a, b clause) int { return strings.Compare(a.key, b.key) })
	texts := make([]string, len(c.clauses))
	for i, cl := range c.clauses {
		texts[i] = cl.String()
	}
	c.text = strings.Join(texts, " and ")
	return c, c.possible()
}

// possible refuses a time window that is empty.
func (c Condition) possible() error {
	var from, until time.Time
	for _, cl := range c.clauses {
		switch cl.key {
		case "from":
			from = cl.at
		case "until":
			until = cl.at
		}
	}
	if !until.IsZero() && !from.Before(until) {
		return errors.New("the condition is over before it begins")
	}
	return nil
}

// String is the canonical form: two conditions with the same clauses have the same one.
func (c Condition) String() string { return c.text }

// IsZero tells whether c is always true.
func (c Condition) IsZero() bool { return len(c.clauses) == 0 }

// Attributes are those of the resource that c looks at, sorted; none when it can be decided without a resource.
func (c Condition) Attributes() []string {
	var names []string
	for _, cl := range c.clauses {
		if name := cl.attribute(); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Holds tells whether every clause is true.
func (c Condition) Holds(f Facts) bool {
	for i := range c.clauses {
		if !c.clauses[i].holds(f) {
			return false
		}
	}
	return true
}

// HoldsForSome tells whether some resource could make c true: the clauses about a resource are passed over.
func (c Condition) HoldsForSome(f Facts) bool {
	for i := range c.clauses {
		if c.clauses[i].attribute() == "" && !c.clauses[i].holds(f) {
			return false
		}
	}
	return true
}

// Failed lists the clauses that are not true.
func (c Condition) Failed(f Facts) []string {
	var failed []string
	for _, cl := range c.clauses {
		if !cl.holds(f) {
			failed = append(failed, cl.String())
		}
	}
	return failed
}

// Implies tells whether c has every clause of other, so that it is never true when other is not.
func (c Condition) Implies(other Condition) bool {
	for _, cl := range other.clauses {
		if !slices.ContainsFunc(c.clauses, func(mine clause) bool { return mine.String() == cl.String() }) {
			return false
		}
	}
	return true
}
