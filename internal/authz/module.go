package authz

import (
	"embed"

	"entgo.io/ent/dialect"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/authz/ent"
	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/changes"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tx"
)

//go:embed migrations
var migrations embed.FS

// Module provides the decisions, the grants and the roles.
var Module = fx.Module("authz",
	module.Tables(module.MigrationSet{Owner: "authz", Files: module.Sub(migrations, "migrations")}),
	fx.Provide(newClient, provide, provideAuthorizer, provideGrants),
	fx.Provide(NewRoles, provideRoles, provideEditor, provideExplainer, provideDelegator, provideCatalog),
	module.TenantErasers[*Authorizer](),
)

func newClient(d dialect.Driver) *ent.Client           { return ent.NewClient(ent.Driver(d)) }
func provideAuthorizer(a *Authorizer) authz.Authorizer { return a }
func provideGrants(a *Authorizer) authz.Grants         { return a }

func provideRoles(r *Roles) authz.Roles              { return r }
func provideEditor(r *Roles) authz.RoleEditor        { return r }
func provideExplainer(a *Authorizer) authz.Explainer { return a }
func provideDelegator(a *Authorizer) authz.Delegator { return a }

func provideCatalog(a *Authorizer, known *catalog.Catalog) authz.Catalog {
	return NewDirectory(a, known.Manifests())
}

func provide(c *ent.Client, run tx.Runner, known *catalog.Catalog, feed *changes.Feed, caches *telemetry.Caches) (*Authorizer, error) {
	a, err := New(c, run, known, feed)
	if err != nil {
		return nil, err
	}
	a.missed = caches.Of("grants")
	feed.Subscribe(Topic, a.Changed)
	return a, nil
}
