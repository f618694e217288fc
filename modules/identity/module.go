package identity

import (
	"embed"
	"io/fs"

	"go.uber.org/fx"

	"github.com/yourorg/platform/modules/identity/identityapi"
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
	//go:embed migrations templates
	files embed.FS
)

// Module wires identity into the platform.
type Module struct{}

var _ module.IModule = Module{}

func (Module) Name() string      { return "identity" }
func (Module) Manifest() []byte  { return manifest }
func (Module) Migrations() fs.FS { return module.Sub(files, "migrations") }

func (Module) Init() fx.Option {
	return fx.Options(
		module.Config("identity", DefaultConfig()), module.Config("bootstrap", DefaultBootstrapConfig()),
		module.Settings(identityapi.Locale, identityapi.TimeZone), module.Templates("identity", module.Sub(files, "templates")),
		fx.Provide(newClient, newUsers, newTenants, newSessions, provideSessions, func(t *tenants) (tenant.Directory, tenant.Operators) { return t, t }, newPasswords, newFounder),
		fx.Provide(newServerKeys, newServerKey, newFamilies, newLockouts, newLockout, newLockoutSweeper),
		fx.Provide(newIdentity, newFactorReset, newSecondFactor, newFactors, newSignIns, newSignInSweeper, newHandler, newBootstrap, newSweeper),
		fx.Provide(newMailTokens, newEmailChanges, newSignInRules, newMailer, newAccounts, newErasure), fx.Decorate(running),
		fx.Provide(newMembers, newDirectory, newProfiles, newInvitations, newTenancy, newInviting, newTenantErasure, newPrincipals),
		fx.Provide(newProviders, newJourneys, newOpenID, newFederation, newProviderAdmin, newJourneySweeper),
		module.Routes(contract, api.Mount), module.Seeds[*bootstrap](), module.Seeds[*serverKey](),
		module.Housekeeping[*sweeper](), module.Housekeeping[*lockoutSweeper](), module.Housekeeping[*signInSweeper](),
		module.Housekeeping[*journeySweeper](), module.Housekeeping[*erasure](), module.Housekeeping[*tenantErasure](),
	)
}

func provideSessions(lc fx.Lifecycle, s *sessions) auth.Sessions {
	lc.Append(fx.StartStopHook(s.seen.start, s.seen.stop))
	return s
}

// running is a mailer that works as long as the process does.
func running(lc fx.Lifecycle, m *mailer) *mailer {
	lc.Append(fx.StartStopHook(m.start, m.stop))
	return m
}
