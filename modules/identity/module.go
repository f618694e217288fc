package identity

import (
	"embed"
	"io/fs"

	"go.uber.org/fx"

	"github.com/yourorg/platform/modules/identity/internal/api"
	_ "github.com/yourorg/platform/modules/identity/internal/ent/runtime" // installs the tenant hooks of the schema
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

var (
	//go:embed module.yaml
	manifest []byte
	//go:embed openapi.yaml
	contract []byte
	//go:embed migrations
	migrations embed.FS
)

// Module wires identity into the platform.
type Module struct{}

var _ module.IModule = Module{}

func (Module) Name() string      { return "identity" }
func (Module) Manifest() []byte  { return manifest }
func (Module) Migrations() fs.FS { return module.Sub(migrations, "migrations") }

func (Module) Init() fx.Option {
	return fx.Options(
		module.Config("identity", DefaultConfig()),
		module.Config("bootstrap", DefaultBootstrapConfig()),
		fx.Provide(newClient, newUsers, newTenants, newSessions, provideSessions, provideDirectory, newPasswords, newFounder),
		fx.Provide(newServerKeys, newServerKey, newFamilies, newLockouts, newLockout, newLockoutSweeper),
		fx.Provide(newIdentity, newHandler, newBootstrap, newSweeper),
		fx.Provide(newMailTokens, newEmailChanges, newSignInRules, newMailer, newAccounts, newErasure), fx.Decorate(running),
		fx.Provide(newMembers, newInvitations, newTenancy, newInviting, newTenantErasure),
		module.Routes(contract, api.Mount),
		module.Seeds[*bootstrap](), module.Seeds[*serverKey](),
		module.Housekeeping[*sweeper](), module.Housekeeping[*lockoutSweeper](),
		module.Housekeeping[*erasure](), module.Housekeeping[*tenantErasure](),
	)
}

func provideSessions(lc fx.Lifecycle, s *sessions) auth.Sessions {
	lc.Append(fx.StartStopHook(s.seen.start, s.seen.stop))
	return s
}
func provideDirectory(t *tenants) tenant.Directory { return t }

// running is a mailer that works as long as the process does.
func running(lc fx.Lifecycle, m *mailer) *mailer {
	lc.Append(fx.StartStopHook(m.start, m.stop))
	return m
}
