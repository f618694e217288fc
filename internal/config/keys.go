package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/yourorg/platform/pkg/config"
)

const (
	envPrefix  = "PLATFORM_"
	testPrefix = "PLATFORM_TEST_" // read by the tests, never by the platform
	fileSuffix = "_FILE"
)

var nameFormat = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)

// Key describes one setting.
type Key struct {
	Key     string // "http.addr"
	Type    string // boolean, integer, number, text, duration, URL, secret, "list of …" or "map of …"
	Default string // for people, with secrets masked
	Env     string // "PLATFORM_HTTP_ADDR"
	Secret  bool
	Reload  bool   // it may change while the process runs
	Doc     string // the comment of the struct field; only Table fills it in
}

// Keys returns every key of the sections and "environment", in alphabetical order.
func Keys(sections []config.Section) ([]Key, error) {
	t, err := newTable(sections)
	if err != nil {
		return nil, err
	}
	all := make([]Key, 0, len(t.names))
	for _, name := range t.names {
		k := t.keys[name]
		all = append(all, Key{
			Key: name, Type: typeName(k.typ), Default: render(k.def), Env: k.env, Secret: isSecret(k.typ), Reload: k.reload,
		})
	}
	return all, nil
}

// key is a leaf of a section's struct.
type key struct {
	name   string
	env    string
	typ    reflect.Type
	def    any
	reload bool         // it may change while the process runs
	doc    string       // of a declared key; that of a field is its comment
	owner  reflect.Type // the named struct that the field is declared in
	path   []string     // Go field names from the owner on; more than one inside an anonymous struct
}

// table is all that may be set.
type table struct {
	keys     map[string]*key
	names    []string
	byEnv    map[string]*key
	groups   map[string]bool // "http", "http.tls"
	sections []config.Section
	faults   []error
}

// newTable reads the keys from the structs. A mistake in them is the programmer's, not the operator's.
func newTable(sections []config.Section) (*table, error) {
	t := &table{keys: map[string]*key{}, byEnv: map[string]*key{}, groups: map[string]bool{}}
	t.add(&key{name: environmentKey, typ: reflect.TypeFor[string](), def: "development"})
	seen := map[string]bool{}
	t.sections = slices.SortedFunc(slices.Values(sections), func(a, b config.Section) int {
		return strings.Compare(a.Name, b.Name)
	})
	for _, s := range t.sections {
		if len(s.Declared) > 0 {
			t.declared(s)
			continue
		}
		if seen[s.Name] {
			t.bad("section %s is declared twice", s.Name)
			continue
		}
		seen[s.Name] = true
		t.section(s)
		t.lively(s)
	}
	t.names = slices.Sorted(maps.Keys(t.keys))
	t.collisions()
	if err := errors.Join(t.faults...); err != nil {
		return nil, fmt.Errorf("config sections: %w", err)
	}
	return t, nil
}

func (t *table) bad(format string, args ...any) {
	t.faults = append(t.faults, fmt.Errorf(format, args...))
}

func (t *table) section(s config.Section) {
	if !nameFormat.MatchString(s.Name) {
		t.bad("section %q: the name must be lower case letters, digits and underscores", s.Name)
		return
	}
	v := reflect.ValueOf(s.Defaults)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		t.bad("section %s: the defaults must be a struct", s.Name)
		return
	}
	t.walk(s.Name, v, v.Type(), nil)
}

// walk adds the fields of a struct below a prefix.
func (t *table) walk(prefix string, v reflect.Value, owner reflect.Type, path []string) {
	t.groups[prefix] = true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, option, _ := strings.Cut(f.Tag.Get("mapstructure"), ",")
		at, below := prefix+"."+tag, append(slices.Clone(path), f.Name)
		switch {
		case tag == "-", !f.IsExported() && !f.Anonymous:
		case option == "squash" && f.Type.Kind() == reflect.Struct:
			t.walk(prefix, v.Field(i), f.Type, nil)
		case !nameFormat.MatchString(tag) || strings.Contains(tag, "."):
			t.bad("section %s: the field %s needs a mapstructure tag in lower case", prefix, f.Name)
		case isLeaf(f.Type):
			t.add(&key{
				name: at, typ: f.Type, def: clone(v.Field(i).Interface()), owner: owner, path: below, reload: t.reloads(at, f),
			})
		case f.Type.Kind() == reflect.Struct && f.Type.Name() == "":
			t.walk(at, v.Field(i), owner, below)
		case f.Type.Kind() == reflect.Struct:
			t.walk(at, v.Field(i), f.Type, nil)
		default:
			t.bad("%s: a setting cannot be a %s", at, f.Type)
		}
	}
}

// reloads reads the tag of a field that may change while the process runs.
func (t *table) reloads(at string, f reflect.StructField) bool {
	switch f.Tag.Get("reload") {
	case "":
		return false
	case "true":
		return true
	}
	t.bad(`%s: the tag reload can only be "true"`, at)
	return false
}

// lively holds the tags of a section against what it says about itself: a tag that nobody looks at would be a promise
// that nobody keeps.
func (t *table) lively(s config.Section) {
	some := false
	for name, k := range t.keys {
		some = some || k.reload && strings.HasPrefix(name, s.Name+".")
	}
	switch {
	case some && !s.Live:
		t.bad(`section %s: fields with reload:"true" need module.LiveConfig`, s.Name)
	case !some && s.Live:
		t.bad(`section %s: module.LiveConfig needs fields with reload:"true"`, s.Name)
	}
}

func (t *table) add(k *key) {
	k.env = envPrefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
	if t.keys[k.name] != nil || t.groups[k.name] {
		t.bad("%s is declared twice", k.name)
		return
	}
	t.keys[k.name] = k
}

// collisions finds keys that one environment variable would set together.
func (t *table) collisions() {
	for _, name := range t.names {
		k := t.keys[name]
		if strings.HasPrefix(k.env, testPrefix) {
			t.bad("%s: %s* is reserved for the tests", name, testPrefix)
		}
		if t.groups[name] {
			t.bad("%s is both a setting and a section", name)
		}
		if other := t.byEnv[k.env]; other != nil {
			t.bad("%s and %s would both be set by %s", other.name, name, k.env)
			continue
		}
		t.byEnv[k.env] = k
	}
	for _, name := range t.names {
		file := t.keys[name].env + fileSuffix
		if other := t.byEnv[file]; other != nil {
			t.bad("%s and %s would both be set by %s", name, other.name, file)
		}
	}
}

// spellings are all names that may stand in a file.
func (t *table) spellings() []string {
	return append(slices.Sorted(maps.Keys(t.groups)), t.names...)
}
