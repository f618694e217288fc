package module

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/quota"
)

// Manifest is what module.yaml says about a module.
type Manifest struct {
	Name         string            `yaml:"name" json:"name"`
	Version      string            `yaml:"version" json:"version"`           // semantic version
	Kind         string            `yaml:"kind" json:"kind"`                 // "feature", "platform" (cannot be disabled) or "core"
	Description  string            `yaml:"description" json:"description"`   // one sentence
	Dependencies []Dependency      `yaml:"dependencies" json:"dependencies"` // "core >= 1.0.0"
	Namespace    string            `yaml:"namespace" json:"namespace"`       // first part of its permissions; the name when empty
	Prefixes     []string          `yaml:"prefixes" json:"prefixes"`         // the paths it owns, such as /api/v1/blog
	Permissions  []perm.Definition `yaml:"permissions" json:"permissions"`

	Entitlements []entitlement.Definition `yaml:"entitlements" json:"entitlements,omitempty"` // the features that a plan may grant
	Units        []quota.Definition       `yaml:"units" json:"units,omitempty"`               // what quotas count
	Policies     []policy.Definition      `yaml:"policies" json:"policies,omitempty"`         // the kinds of things that tenants may be allowed
}

// Dependency is another module that must be there, in an acceptable version.
type Dependency struct {
	Name       string `json:"name"`
	Constraint string `json:"constraint"` // as in ">= 1.0.0, < 2.0.0"; empty accepts any
}

var (
	nameFormat = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	roleNames  = map[string]bool{"owner": true, "admin": true, "member": true, "viewer": true, "platform_admin": true}
)

// ParseManifest reads a module.yaml. An unknown key, a bad version, a permission outside the module's namespace and
// every other fault is an error; all of them are reported at once.
func ParseManifest(source []byte) (Manifest, error) {
	var m Manifest
	d := yaml.NewDecoder(bytes.NewReader(source))
	d.KnownFields(true)
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("module.yaml: %w", err)
	}
	if m.Namespace == "" {
		m.Namespace = m.Name
	}
	if m.Kind == "" {
		m.Kind = "feature"
	}
	if err := m.validate(); err != nil {
		return m, fmt.Errorf("module.yaml of %q: %w", m.Name, err)
	}
	return m, nil
}

func (m Manifest) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !nameFormat.MatchString(m.Name) {
		bad("name must be lower case letters, digits and underscores, starting with a letter")
	}
	if _, err := semver.StrictNewVersion(m.Version); err != nil {
		bad("version %q is not a semantic version", m.Version)
	}
	if m.Kind != "feature" && m.Kind != "platform" && m.Kind != "core" {
		bad("kind %q is none of feature, platform and core", m.Kind)
	}
	if m.Description == "" {
		bad("description is missing")
	}
	for _, dep := range m.Dependencies {
		if _, err := dep.accepts(nil); err != nil {
			bad("dependency %s: %w", dep.Name, err)
		}
	}
	for _, prefix := range m.Prefixes {
		if !strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") {
			bad("prefix %q must begin with a slash and not end with one", prefix)
		}
	}
	seen := map[perm.Permission]bool{}
	for _, p := range m.Permissions {
		switch {
		case !p.Name.Valid():
			bad("permission %q is not <module>.<resource>.<action>", p.Name)
		case !strings.HasPrefix(string(p.Name), m.Namespace+"."):
			bad("permission %q is outside the namespace %q", p.Name, m.Namespace)
		case seen[p.Name]:
			bad("permission %q is declared twice", p.Name)
		case p.Description == "":
			bad("permission %q has no description", p.Name)
		}
		errs = append(errs, holders(p)...)
		seen[p.Name] = true
	}
	return errors.Join(append(errs, m.terms()...)...)
}

// holders finds what is wrong with the attributes of a permission and with who holds it.
func holders(p perm.Definition) []error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("permission %q: %w", p.Name, fmt.Errorf(format, args...)))
	}
	for i, name := range p.Attributes {
		if !perm.ValidAttribute(name) || slices.Contains(p.Attributes[:i], name) {
			bad("%q cannot be an attribute, or is one twice", name)
		}
	}
	given := map[string]bool{}
	hold := func(role string) {
		if !roleNames[role] {
			bad("%q is not a built-in role", role)
		}
		if given[role] {
			bad("%q is there twice", role)
		}
		given[role] = true
	}
	for _, role := range p.Roles {
		hold(role)
	}
	for _, h := range p.Conditional {
		hold(h.Role)
		c, err := perm.ParseCondition(h.When)
		if err != nil {
			bad("when of %s: %w", h.Role, err)
		} else if c.IsZero() {
			bad("when of %s is missing", h.Role)
		}
		for _, name := range c.Attributes() {
			if !slices.Contains(p.Attributes, name) {
				bad("when of %s looks at %q, which is not among its attributes", h.Role, name)
			}
		}
	}
	return errs
}

// UnmarshalYAML reads "core >= 1.0.0".
func (d *Dependency) UnmarshalYAML(n *yaml.Node) error {
	name, constraint, _ := strings.Cut(strings.TrimSpace(n.Value), " ")
	if !nameFormat.MatchString(name) {
		return fmt.Errorf("line %d: %q does not begin with a module's name", n.Line, n.Value)
	}
	d.Name, d.Constraint = name, strings.TrimSpace(constraint)
	return nil
}

// String is the form that module.yaml uses.
func (d Dependency) String() string { return strings.TrimSpace(d.Name + " " + d.Constraint) }

// Accepts tells whether a module of this version satisfies the dependency.
func (d Dependency) Accepts(version string) (bool, error) {
	v, err := semver.StrictNewVersion(version)
	if err != nil {
		return false, fmt.Errorf("version %q: %w", version, err)
	}
	return d.accepts(v)
}

func (d Dependency) accepts(v *semver.Version) (bool, error) {
	if d.Constraint == "" {
		return true, nil
	}
	c, err := semver.NewConstraint(d.Constraint)
	if err != nil {
		return false, fmt.Errorf("constraint %q cannot be read: %w", d.Constraint, err)
	}
	return v != nil && c.Check(v), nil
}
