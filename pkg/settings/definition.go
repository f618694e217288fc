// Package settings is how a module declares what a tenant, or a user in it, may choose, and how it reads what counts.
package settings

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/perm"
)

// Type is what the values of a setting look like.
type Type string

// The types, with what their values are in Go and in JSON.
const (
	Boolean  Type = "boolean"  // bool
	Integer  Type = "integer"  // int
	Text     Type = "text"     // string
	Duration Type = "duration" // time.Duration; a text such as "1h30m"
	Choice   Type = "choice"   // string, one of Values
	List     Type = "list"     // []string; an array of texts
	Secret   Type = "secret"   // config.Secret; a text that is taken and never given back
)

// Level is where a value comes from. Each counts over the ones before it.
type Level string

// The levels, in their order.
const (
	Default     Level = "default"     // the definition
	Environment Level = "environment" // the configuration of the process
	Tenant      Level = "tenant"
	User        Level = "user" // one user in one tenant
)

// TenantUpdate is the permission to change a setting of the tenant whose definition names no other.
const TenantUpdate perm.Permission = "settings.tenant.update"

// Definition is one setting as its module declares it. The functions named after the types make one.
type Definition struct {
	Key         string // "<module>.<name>"; settings.<key> in the configuration
	Description string // a sentence for the people who choose
	Type        Type
	Default     any // of the Go type

	ForTenant bool            // a tenant may choose
	ForUser   bool            // a user may choose, for what they do in one tenant
	Change    perm.Permission // what changing it for the tenant takes; TenantUpdate when empty
	Read      perm.Permission // what seeing it takes; empty lets every member

	Min, Max  *int64         // of an integer, or of a duration in nanoseconds
	MaxLength int            // of a text or an item, in characters
	MaxItems  int            // of a list
	Pattern   *regexp.Regexp // of a text or of every item
	Values    []string       // of a choice
	check     func(any) error
}

// What holds when a definition says nothing else, and what it can say at the most.
const (
	maxKey        = 100
	defaultLength = 256
	longestText   = 10_000
	defaultItems  = 50
	mostItems     = 200
	safeInteger   = 1<<53 - 1 // beyond it, readers of JSON lose digits
)

var keyFormat = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)

var goTypes = map[Type]reflect.Type{
	Boolean: reflect.TypeFor[bool](), Integer: reflect.TypeFor[int](), Text: reflect.TypeFor[string](),
	Duration: reflect.TypeFor[time.Duration](), Choice: reflect.TypeFor[string](), List: reflect.TypeFor[[]string](),
	Secret: reflect.TypeFor[config.Secret](),
}

// Validate finds what is wrong with the definition: a mistake of the module.
func (d Definition) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !keyFormat.MatchString(d.Key) || len(d.Key) > maxKey {
		bad("the key must be <module>.<name> in lower case letters, digits and underscores")
	}
	if d.Description == "" {
		bad("the description is missing")
	}
	if d.Change != "" && !d.Change.Valid() || d.Read != "" && !d.Read.Valid() {
		bad("a permission is not <module>.<resource>.<action>")
	}
	if d.Change != "" && !d.ForTenant {
		bad("there is a permission to change it for the tenant, which cannot choose")
	}
	if d.MaxLength < 1 || d.MaxLength > longestText || d.MaxItems < 1 || d.MaxItems > mostItems {
		bad("a text has 1 to %d characters at the most, a list 1 to %d items", longestText, mostItems)
	}
	if (d.Min != nil || d.Max != nil) && d.Type != Integer && d.Type != Duration {
		bad("only integers and durations have a range")
	}
	if d.Min != nil && d.Max != nil && *d.Min > *d.Max {
		bad("the range is empty")
	}
	if d.Pattern != nil && d.Type != Text && d.Type != List && d.Type != Secret {
		bad("only texts have a pattern")
	}
	if d.Type == Choice && (len(d.Values) == 0 || slices.Contains(d.Values, "")) {
		bad("a choice needs values, and none of them may be empty")
	}
	if want, known := goTypes[d.Type]; !known || reflect.TypeOf(d.Default) != want {
		bad("the default is not of the type %s", d.Type)
	} else if err := d.Accept(d.Default); err != nil && !d.empty() {
		bad("the default %w", err)
	}
	return errors.Join(errs...)
}

// empty tells whether a secret or a text has no default: "none" need not meet its rules.
func (d Definition) empty() bool {
	return d.Default == config.Secret("") || d.Default == ""
}

// Allows tells whether a value may be set at a level.
func (d Definition) Allows(l Level) bool {
	return l == Tenant && d.ForTenant || l == User && d.ForUser
}

// Changes is the permission that it takes to change the setting for the tenant.
func (d Definition) Changes() perm.Permission {
	if d.Change == "" {
		return TenantUpdate
	}
	return d.Change
}

// Declare makes the setting known to the configuration, as settings.<key>.
func (d Definition) Declare() config.Declaration {
	return config.Declaration{Key: d.Key, Default: d.Default, Doc: d.Description, Check: func(value any) error {
		if err := d.Validate(); err != nil {
			return err
		}
		if reflect.DeepEqual(value, d.Default) {
			return nil
		}
		return d.Accept(value)
	}}
}
