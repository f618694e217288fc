package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

// Catalog lists the permissions of the enabled modules. The list does not change while the process runs.
type Catalog interface {
	Permissions() []perm.Definition
}

// vocabulary is every permission that a module declares, each with its position in a bitset.
type vocabulary struct {
	definitions []perm.Definition // sorted by name
	index       map[perm.Permission]int
	operator    bitset              // what no tenant's own role can hold
	builtIn     map[string]*holding // what each built-in role holds
}

func newVocabulary(definitions []perm.Definition) (*vocabulary, error) {
	v := &vocabulary{
		definitions: slices.SortedFunc(slices.Values(definitions), func(a, b perm.Definition) int {
			return strings.Compare(string(a.Name), string(b.Name))
		}),
		index:   make(map[perm.Permission]int, len(definitions)),
		builtIn: map[string]*holding{},
	}
	v.operator = v.newBitset()
	for _, role := range builtInNames {
		v.builtIn[role] = v.newHolding()
	}
	for i, d := range v.definitions {
		if !d.Name.Valid() {
			return nil, fmt.Errorf("permission %q is not <module>.<resource>.<action>", d.Name)
		}
		if _, taken := v.index[d.Name]; taken {
			return nil, fmt.Errorf("permission %q is declared twice", d.Name)
		}
		v.index[d.Name] = i
		for _, role := range d.Roles {
			if !isBuiltIn(role) {
				return nil, fmt.Errorf("permission %q: %q is not a built-in role", d.Name, role)
			}
			v.builtIn[role].always.add(i)
		}
		for _, h := range d.Conditional {
			c, err := perm.ParseCondition(h.When)
			if err != nil || c.IsZero() || !isBuiltIn(h.Role) {
				return nil, fmt.Errorf("permission %q: %q under %q is not a built-in role under a condition: %w", d.Name, h.Role, h.When, err)
			}
			v.builtIn[h.Role].add(i, c.String())
		}
		if isOperator(d) {
			v.operator.add(i)
		}
	}
	return v, nil
}

// builtInNames are the built-in roles, the mightiest in a tenant first.
var builtInNames = []string{authz.Owner, authz.Admin, authz.Member, authz.Viewer, authz.PlatformAdmin}

// isOperator tells whether d is the operator's alone. A tenant's own roles cannot hold such a permission: neither by a
// wildcard, which is written by people who do not know that it exists, nor by name.
func isOperator(d perm.Definition) bool {
	if len(d.Roles)+len(d.Conditional) == 0 {
		return false
	}
	other := func(role string) bool { return role != authz.PlatformAdmin }
	return !slices.ContainsFunc(d.Roles, other) &&
		!slices.ContainsFunc(d.Conditional, func(h perm.Holder) bool { return other(h.Role) })
}

// expand adds to set what pattern grants in a tenant's own role.
func (v *vocabulary) expand(set bitset, pattern string) {
	if i, ok := v.index[perm.Permission(pattern)]; ok {
		if !v.operator.has(i) {
			set.add(i)
		}
		return
	}
	prefix, wildcard := strings.CutSuffix(pattern, "*")
	if !wildcard || prefix != "" && !strings.HasSuffix(prefix, ".") {
		return
	}
	first, _ := slices.BinarySearchFunc(v.definitions, prefix, func(d perm.Definition, prefix string) int {
		return strings.Compare(string(d.Name), prefix)
	})
	for i := first; i < len(v.definitions) && strings.HasPrefix(string(v.definitions[i].Name), prefix); i++ {
		if !v.operator.has(i) {
			set.add(i)
		}
	}
}

// reach lists what pattern grants, in the order of the definitions.
func (v *vocabulary) reach(pattern string) []int {
	set := v.newBitset()
	v.expand(set, pattern)
	return set.members()
}

// bitset has one bit for each permission.
type bitset []uint64

const wordBits = 64

func (v *vocabulary) words() int        { return (len(v.definitions) + wordBits - 1) / wordBits }
func (v *vocabulary) newBitset() bitset { return make(bitset, v.words()) }

func (b bitset) add(i int)      { b[i/wordBits] |= 1 << (i % wordBits) }
func (b bitset) has(i int) bool { return b[i/wordBits]&(1<<(i%wordBits)) != 0 }

// members lists what is in b, ascending.
func (b bitset) members() []int {
	var all []int
	for i := range len(b) * wordBits {
		if b.has(i) {
			all = append(all, i)
		}
	}
	return all
}

func (b bitset) addAll(other bitset) {
	for i, word := range other {
		b[i] |= word
	}
}
