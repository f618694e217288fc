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
	operator    bitset            // out of the reach of wildcards
	builtIn     map[string]bitset // what each built-in role holds
}

func newVocabulary(definitions []perm.Definition) (*vocabulary, error) {
	v := &vocabulary{
		definitions: slices.SortedFunc(slices.Values(definitions), func(a, b perm.Definition) int {
			return strings.Compare(string(a.Name), string(b.Name))
		}),
		index:   make(map[perm.Permission]int, len(definitions)),
		builtIn: map[string]bitset{},
	}
	v.operator = v.newBitset()
	for _, role := range []string{authz.Owner, authz.Admin, authz.Member, authz.Viewer, authz.PlatformAdmin} {
		v.builtIn[role] = v.newBitset()
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
			v.builtIn[role].add(i)
		}
		if isOperator(d) {
			v.operator.add(i)
		}
	}
	return v, nil
}

// isOperator tells whether d is the operator's alone. A tenant's own roles cannot reach such a permission with a
// wildcard, which is written by people who do not know that it exists.
func isOperator(d perm.Definition) bool {
	return len(d.Roles) > 0 && !slices.ContainsFunc(d.Roles, func(role string) bool { return role != authz.PlatformAdmin })
}

// expand adds to set what pattern grants in a tenant's own role.
func (v *vocabulary) expand(set bitset, pattern string) {
	if i, ok := v.index[perm.Permission(pattern)]; ok {
		set.add(i)
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

// bitset has one bit for each permission.
type bitset []uint64

const wordBits = 64

func (v *vocabulary) words() int        { return (len(v.definitions) + wordBits - 1) / wordBits }
func (v *vocabulary) newBitset() bitset { return make(bitset, v.words()) }

func (b bitset) add(i int)      { b[i/wordBits] |= 1 << (i % wordBits) }
func (b bitset) has(i int) bool { return b[i/wordBits]&(1<<(i%wordBits)) != 0 }

func (b bitset) addAll(other bitset) {
	for i, word := range other {
		b[i] |= word
	}
}
