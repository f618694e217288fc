package blog

import (
	"embed"
	"io/fs"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"

	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/modules/blog/internal/api"
	"github.com/yourorg/platform/modules/blog/internal/ent"
	_ "github.com/yourorg/platform/modules/blog/internal/ent/runtime" // installs the tenant hooks of the schema
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/module"
)

var (
	//go:embed module.yaml
	manifest []byte
	//go:embed openapi.yaml
	contract []byte
	//go:embed migrations
	migrations embed.FS
	//go:embed templates
	templates embed.FS
)

// Module wires the blog into the platform.
type Module struct{}

var _ module.IModule = Module{}

func (Module) Name() string      { return "blog" }
func (Module) Manifest() []byte  { return manifest }
func (Module) Migrations() fs.FS { return module.Sub(migrations, "migrations") }

func (Module) Init() fx.Option {
	return fx.Options(
		module.Config("blog", DefaultConfig()),
		fx.Provide(newClient, newStore, newIndex, newFollowers, newBlog, newHandler),
		module.Routes(contract, api.Mount),

		module.Events(event.Declare[blogapi.PostPublished]()),
		fx.Provide(newIndexer, newAnnouncer, newWorker),
		module.Subscribers[*indexer](), module.Subscribers[*announcer](),
		module.Workers[*worker](), module.Schedules[*worker](),
		module.Templates("blog", module.Sub(templates, "templates")),

		fx.Provide(newEraser),
		module.TenantErasers[*eraser](), module.ErasesMembers[*followers](),
	)
}

func newClient(d dialect.Driver) *ent.Client { return ent.NewClient(ent.Driver(d)) }
