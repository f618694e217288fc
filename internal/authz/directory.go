package authz

import (
	"slices"

	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/module"
)

// Directory is the catalogue as people see it.
type Directory struct{ definitions []authz.Definition }

var _ authz.Catalog = (*Directory)(nil)

// NewDirectory lists the permissions that a knows, with the modules that declare them.
func NewDirectory(a *Authorizer, manifests []module.Manifest) *Directory {
	owner := map[string]string{}
	for _, m := range manifests {
		for _, d := range m.Permissions {
			owner[string(d.Name)] = m.Name
		}
	}
	d := &Directory{definitions: make([]authz.Definition, len(a.vocabulary.definitions))}
	for i, definition := range a.vocabulary.definitions {
		d.definitions[i] = authz.Definition{
			Definition: definition, Module: owner[string(definition.Name)], Grantable: !a.vocabulary.operator.has(i),
		}
	}
	return d
}

// Definitions implements authz.Catalog.
func (d *Directory) Definitions() []authz.Definition { return slices.Clone(d.definitions) }
