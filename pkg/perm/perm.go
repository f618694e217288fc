// Package perm names what a caller may do.
package perm

import "regexp"

// Permission is "<module>.<resource>.<action>", such as "blog.post.publish". Constants of this type are generated
// from module.yaml into the module's api package.
type Permission string

// Definition is one permission as module.yaml declares it.
type Definition struct {
	Name        Permission `yaml:"name" json:"name"`
	Description string     `yaml:"description" json:"description"` // a sentence for the people who grant it
	Roles       []string   `yaml:"roles" json:"roles"`             // built-in roles that hold it by default
}

var format = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}$`)

// Valid tells whether p has the three-part form. It does not tell whether a module declares it.
func (p Permission) Valid() bool { return format.MatchString(string(p)) }
