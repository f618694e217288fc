// Package perm names what a caller may do.
package perm

import "regexp"

// Permission is "<module>.<resource>.<action>", such as "blog.post.publish". Constants of this type are generated
// from module.yaml into the module's api package.
type Permission string

// Definition is one permission as module.yaml declares it. A role with a condition is written as a mapping there:
//
//	roles: [owner, admin, {role: member, when: own}]
type Definition struct {
	Name        Permission `json:"name"`
	Description string     `json:"description"`           // a sentence for the people who grant it
	Attributes  []string   `json:"attributes,omitempty"`  // what conditions may look at; see Condition
	Roles       []string   `json:"roles"`                 // built-in roles that hold it by default
	Conditional []Holder   `json:"conditional,omitempty"` // built-in roles that hold it under a condition
}

// Holder is a built-in role that holds a permission while a condition is true.
type Holder struct {
	Role string `json:"role" yaml:"role"`
	When string `json:"when" yaml:"when"`
}

// UnmarshalYAML reads the form of module.yaml.
func (d *Definition) UnmarshalYAML(unmarshal func(any) error) error {
	var raw struct {
		Name        Permission
		Description string
		Attributes  []string
		Roles       []holder
	}
	if err := unmarshal(&raw); err != nil {
		return err
	}
	*d = Definition{Name: raw.Name, Description: raw.Description, Attributes: raw.Attributes}
	for _, h := range raw.Roles {
		if h.conditional {
			d.Conditional = append(d.Conditional, h.Holder)
			continue
		}
		d.Roles = append(d.Roles, h.Role)
	}
	return nil
}

// MarshalYAML writes the form of module.yaml.
func (d Definition) MarshalYAML() (any, error) {
	roles := make([]any, 0, len(d.Roles)+len(d.Conditional))
	for _, role := range d.Roles {
		roles = append(roles, role)
	}
	for _, h := range d.Conditional {
		roles = append(roles, h)
	}
	return struct {
		Name        Permission
		Description string
		Attributes  []string `yaml:",omitempty"`
		Roles       []any
	}{d.Name, d.Description, d.Attributes, roles}, nil
}

// holder is a role, or a mapping of a role and its condition. A mapping that forgets its condition is not the same as
// the role alone.
type holder struct {
	Holder
	conditional bool
}

func (h *holder) UnmarshalYAML(unmarshal func(any) error) error {
	if unmarshal(&h.Role) == nil {
		return nil
	}
	h.conditional = true
	return unmarshal(&h.Holder)
}

var format = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}$`)

// Valid tells whether p has the three-part form. It does not tell whether a module declares it.
func (p Permission) Valid() bool { return format.MatchString(string(p)) }
