package arch

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "github.com/yourorg/platform/"

// An importRule answers whether the file p may import i. Paths inside the repository are relative to its root. The
// examples show that the rule bites, and where it does not.
type importRule struct {
	name   string
	ok     func(p, i string) bool
	bites  []edge
	spares []edge
}

type edge struct{ p, i string }

var importRules = []importRule{
	{
		name:   "pkg/ imports only pkg/",
		ok:     func(p, i string) bool { return !within(p, "pkg/") || !local(i) || within(rel(i), "pkg/") },
		bites:  []edge{{"pkg/tx/tx.go", root + "internal/audit"}, {"pkg/tx/tx_test.go", root + "modules/blog/blogapi"}},
		spares: []edge{{"pkg/authz/authz.go", root + "pkg/perm"}, {"pkg/tx/tx.go", "context"}, {"internal/app/app.go", root + "internal/audit"}},
	},
	{
		name: "a module sees another module only through its api package",
		ok: func(p, i string) bool {
			self, inside := moduleOf(p)
			other, isModule := moduleOf(rel(i))
			return !inside || !isModule || other == self || rel(i) == "modules/"+other+"/"+other+"api"
		},
		bites: []edge{
			{"modules/blog/blog.go", root + "modules/identity"},
			{"modules/blog/http_test.go", root + "modules/identity/internal/ent"},
			{"modules/blog/blog.go", root + "modules/identity/blogapi"},
		},
		spares: []edge{{"modules/blog/blog.go", root + "modules/identity/identityapi"}, {"modules/blog/blog.go", root + "modules/blog/internal/ent"}},
	},
	{
		name: "a module knows pkg/ and itself, and not internal/; its tests may",
		ok: func(p, i string) bool {
			_, inside := moduleOf(p)
			return !inside || test(p) || !local(i) || !within(rel(i), "internal/", "cmd/", "perf/")
		},
		bites:  []edge{{"modules/blog/blog.go", root + "internal/audit"}, {"modules/blog/module.go", root + "internal/infra/database"}},
		spares: []edge{{"modules/blog/blog_test.go", root + "internal/testapp"}, {"modules/blog/blog.go", root + "pkg/audit"}},
	},
	{
		name: "internal/ does not know the modules; internal/cli does, because it is what the commands share, and tests may",
		ok: func(p, i string) bool {
			return !within(p, "internal/") || within(p, "internal/cli/") || test(p) || !local(i) || !within(rel(i)+"/", "modules/")
		},
		bites: []edge{
			{"internal/app/app.go", root + "modules"},
			{"internal/httpserver/server.go", root + "modules/blog"},
			{"internal/authz/authz.go", root + "modules/identity/identityapi"},
		},
		spares: []edge{{"internal/cli/cli.go", root + "modules"}, {"internal/app/app_test.go", root + "modules"}},
	},
	{
		name: "fx is imported only by module.go, pkg/module, internal/app, internal/testapp, cmd and tests",
		ok: func(p, i string) bool {
			if !same(i, "go.uber.org/fx") && !same(i, "go.uber.org/dig") {
				return true
			}
			return path.Base(p) == "module.go" || test(p) || within(p, "pkg/module/", "internal/app/", "internal/testapp/", "cmd/") ||
				i == "go.uber.org/fx/fxevent" && p == "internal/telemetry/events.go" // how fx logs, not how it wires
		},
		bites: []edge{
			{"modules/blog/blog.go", "go.uber.org/fx"},
			{"internal/auth/auth.go", "go.uber.org/fx/fxtest"},
			{"internal/auth/auth.go", "go.uber.org/fx/fxevent"},
			{"pkg/health/health.go", "go.uber.org/dig"},
		},
		spares: []edge{{"modules/blog/module.go", "go.uber.org/fx"}, {"cmd/platform/serve.go", "go.uber.org/fx"}},
	},
	{
		name: "gin is imported only by pkg/module, internal/httpserver, generated internal/api and perf",
		ok: func(p, i string) bool {
			return !same(i, "github.com/gin-gonic/gin") || within(p, "pkg/module/", "internal/httpserver/", "perf/") ||
				strings.Contains(p, "/internal/api/") // where every file is generated: see the shape rules
		},
		bites: []edge{
			{"modules/blog/http.go", "github.com/gin-gonic/gin"},
			{"internal/auth/bearer.go", "github.com/gin-gonic/gin/binding"},
		},
		spares: []edge{{"modules/blog/internal/api/mount.gen.go", "github.com/gin-gonic/gin"}, {"internal/httpserver/mount.go", "github.com/gin-gonic/gin"}},
	},
	{
		name: "a module's ent client is used only in store*.go, module.go and tests",
		ok: func(p, i string) bool {
			self, inside := moduleOf(p)
			client := "modules/" + self + "/internal/ent"
			if !inside || !same(rel(i), client) || within(p, client+"/") {
				return true
			}
			return test(p) || path.Base(p) == "module.go" || strings.HasPrefix(path.Base(p), "store")
		},
		bites: []edge{
			{"modules/blog/blog.go", root + "modules/blog/internal/ent"},
			{"modules/blog/http.go", root + "modules/blog/internal/ent/post"},
		},
		spares: []edge{
			{"modules/blog/store_posts.go", root + "modules/blog/internal/ent/post"},
			{"modules/blog/internal/ent/client.go", root + "modules/blog/internal/ent/post"},
		},
	},
	{
		name:   "only internal/config reads viper",
		ok:     func(p, i string) bool { return !same(i, "github.com/spf13/viper") || within(p, "internal/config/") },
		bites:  []edge{{"modules/blog/config.go", "github.com/spf13/viper"}, {"cmd/platform/main.go", "github.com/spf13/viper"}},
		spares: []edge{{"internal/config/load.go", "github.com/spf13/viper"}},
	},
	{
		name: "the rules of a post know nothing that stores or serves it",
		ok: func(p, i string) bool {
			return p != "modules/blog/post.go" || !local(i) || rel(i) == "pkg/problem" || rel(i) == "modules/blog/blogapi"
		},
		bites:  []edge{{"modules/blog/post.go", root + "pkg/tx"}},
		spares: []edge{{"modules/blog/post.go", root + "pkg/problem"}, {"modules/blog/post.go", root + "modules/blog/blogapi"}},
	},
	{
		name: "tests use testify/require only",
		ok: func(_, i string) bool {
			return !strings.HasPrefix(i, "github.com/stretchr/testify/") || path.Base(i) == "require"
		},
		bites:  []edge{{"pkg/tx/tx_test.go", "github.com/stretchr/testify/assert"}},
		spares: []edge{{"pkg/tx/tx_test.go", "github.com/stretchr/testify/require"}},
	},
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, f := range repository(t) {
		for _, i := range f.imports {
			for _, r := range importRules {
				if !r.ok(f.path, i) {
					t.Errorf("%s imports %s: %s", f.path, i, r.name)
				}
			}
		}
	}
}

func TestEveryImportRuleBites(t *testing.T) {
	t.Parallel()
	for _, r := range importRules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, r.bites)
			for _, e := range r.bites {
				require.False(t, r.ok(e.p, e.i), "%s may import %s", e.p, e.i)
			}
			for _, e := range r.spares {
				require.True(t, r.ok(e.p, e.i), "%s may not import %s", e.p, e.i)
			}
		})
	}
}

func local(i string) bool { return strings.HasPrefix(i, root) }
func rel(i string) string { return strings.TrimPrefix(i, root) }
func test(p string) bool  { return strings.HasSuffix(p, "_test.go") }

// same tells whether i is the package p or below it.
func same(i, p string) bool { return i == p || strings.HasPrefix(i, p+"/") }

func within(p string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return strings.HasPrefix(p, f) })
}

// moduleOf names the module that a file or package below modules/ belongs to.
func moduleOf(p string) (string, bool) {
	parts := strings.Split(p, "/")
	if len(parts) < 2 || parts[0] != "modules" || strings.HasSuffix(parts[1], ".go") {
		return "", false
	}
	return parts[1], true
}
