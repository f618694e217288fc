package arch

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const mixin = `package schema
import "github.com/yourorg/platform/pkg/tenant"
func (Post) Mixin() []ent.Mixin { return []ent.Mixin{tenant.Mixin{}} }
func (Post) Indexes() []ent.Index { return []ent.Index{index.Fields(%s).Unique().StorageKey("x")} }
`

func TestTenantsAreKeptApartByEverySchemaThatSaysSo(t *testing.T) {
	t.Parallel()
	require.Empty(t, looseSchemas(repository(t)))
}

func TestALooseSchemaIsFound(t *testing.T) {
	t.Parallel()
	module := func(blank string) file {
		return source{"modules/blog/module.go", "package blog\nimport " + blank + ` "` + root + "modules/blog/internal/ent/runtime\"\n"}.parse(t)
	}
	schema := func(fields string) file {
		return source{"modules/blog/internal/ent/schema/post.go", fmt.Sprintf(mixin, fields)}.parse(t)
	}
	require.Empty(t, looseSchemas([]file{module("_"), schema(`"tenant_id", "slug"`)}))
	require.Len(t, looseSchemas([]file{module("runtime"), schema(`"tenant_id", "slug"`)}), 1)
	require.Len(t, looseSchemas([]file{schema(`"tenant_id", "slug"`)}), 1)
	require.Len(t, looseSchemas([]file{module("_"), schema(`"slug"`)}), 1)

	audited := source{"modules/blog/internal/ent/schema/post.go", strings.ReplaceAll(fmt.Sprintf(mixin, `"slug"`), "tenant", "audit")}.parse(t)
	require.Empty(t, looseSchemas([]file{module("_"), audited}))
	require.Len(t, looseSchemas([]file{audited}), 1)
}

// looseSchemas names every schema with tenant.Mixin or audit.Mixin whose hooks nobody installs, and every unique index
// that spans tenants: it would tell one tenant what another has.
func looseSchemas(all []file) []string {
	installed := map[string]bool{}
	for _, f := range all {
		for _, spec := range f.tree.Imports {
			if path.Base(f.path) == "module.go" && spec.Name != nil && spec.Name.Name == "_" {
				installed[rel(strings.Trim(spec.Path.Value, `"`))] = true
			}
		}
	}
	var loose []string
	for _, f := range all {
		client, isSchema := strings.CutSuffix(path.Dir(f.path), "/schema")
		scoped := calls(f, root+"pkg/tenant", "Mixin") != ""
		if !isSchema || !strings.HasSuffix(client, "/ent") || !scoped && calls(f, root+"pkg/audit", "Mixin") == "" {
			continue
		}
		if !installed[client+"/runtime"] {
			loose = append(loose, f.path+": module.go does not import "+client+"/runtime")
		}
		if !scoped {
			continue
		}
		for _, first := range uniqueIndexes(f) {
			if first != `"tenant_id"` {
				loose = append(loose, f.path+": a unique index begins with "+first)
			}
		}
	}
	slices.Sort(loose)
	return loose
}

// uniqueIndexes returns the first field of each index.Fields(…)….Unique().
func uniqueIndexes(f file) (first []string) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		unique, ok := n.(*ast.SelectorExpr)
		if !ok || unique.Sel.Name != "Unique" {
			return true
		}
		ast.Inspect(unique.X, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if fn, ok := call.Fun.(*ast.SelectorExpr); ok && fn.Sel.Name == "Fields" {
				if field, ok := call.Args[0].(*ast.BasicLit); ok {
					first = append(first, field.Value)
				}
			}
			return true
		})
		return true
	})
	return first
}
