package httpserver_test

import (
	"io/fs"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/terms"
)

// gated is a module with a feature that not every plan grants.
type gated struct{}

func (gated) Name() string      { return "gated" }
func (gated) Migrations() fs.FS { return nil }

func (gated) Manifest() []byte {
	return []byte(`
name: gated
version: 1.0.0
description: A feature.
prefixes: [/api/v1/gated]
permissions:
  - {name: gated.thing.read, description: Read a thing., roles: [owner]}
entitlements:
  - {name: gated.export, description: Export things.}
`)
}

func (gated) Init() fx.Option {
	contract := []byte(`
openapi: 3.0.3
info: {title: Gated, version: 1.0.0}
paths:
  /api/v1/gated/export:
    get:
      operationId: getExport
      x-permission: gated.thing.read
      x-entitlement: gated.export
      responses: {"204": {description: Done}}
  /api/v1/gated/mine:
    get:
      operationId: getMine
      x-authenticated: true
      x-entitlement: gated.export
      responses: {"204": {description: Done}}
  /api/v1/gated/operated:
    get:
      operationId: getOperated
      x-permission: ops.event.read
      x-entitlement: gated.export
      responses: {"204": {description: Done}}
`)
	return fx.Options(
		fx.Provide(func() gated { return gated{} }),
		module.Routes(contract, func(gated) module.Mount {
			return func(r gin.IRouter, _ module.Around, _ func(*gin.Context, error)) {
				for _, path := range []string{"export", "mine", "operated"} {
					r.GET("/api/v1/gated/"+path, nothing)
				}
			}
		}),
	)
}

func TestAFeatureIsForTenantsWhosePlanHasIt(t *testing.T) {
	t.Parallel()
	var registry terms.Registry
	app := testapp.New(t, append(modules.All(), gated{}), testapp.Options{
		Extra: []fx.Option{fx.Populate(&registry)},
	})
	with, without := app.Register(t, "with"), app.Register(t, "without")
	ctx := tenant.System(t.Context(), "the operator")
	_, err := registry.SetPlan(ctx, terms.Plan{Name: "bare"}, nil)
	require.NoError(t, err)
	bare := terms.Limits{Plan: "bare"}
	more := bare
	more.Entitlements = []entitlement.Name{"gated.export"}
	for id, l := range map[tenant.ID]terms.Limits{with.TenantID: more, without.TenantID: bare} {
		_, err = registry.SetLimits(ctx, id, l, nil)
		require.NoError(t, err)
	}
	for _, path := range []string{"/api/v1/gated/export", "/api/v1/gated/mine"} {
		testapp.WithinASecond(t, func() bool {
			return app.Do(t, testapp.Call{Path: path, Token: with.Token}).Status == http.StatusNoContent
		})
		answer := app.Want(t, http.StatusForbidden, testapp.Call{Path: path, Token: without.Token})
		require.Equal(t, "entitlement.missing", answer.Code(t))
		require.NotEmpty(t, answer.Header.Get("RateLimit"))
		app.Want(t, http.StatusUnauthorized, testapp.Call{Path: path})
	}
	refused := app.Want(t, http.StatusForbidden, testapp.Call{Path: "/api/v1/gated/operated", Token: without.Token})
	require.Equal(t, "authz.denied", refused.Code(t), "who lacks the permission learns nothing about the plan")
	require.Equal(t, "2", metric(t, app, `platform_terms_denied_total{by="entitlement"}`))
	described := 0
	for _, r := range app.Server.Described() {
		if r.Entitlement == "gated.export" {
			described++
			require.Contains(t, r.Middleware, "entitled")
		}
	}
	require.Equal(t, 3, described)
	require.Contains(t, string(app.Want(t, http.StatusOK, testapp.Call{Path: "/openapi.json"}).Body), `"x-entitlement":"gated.export"`)

	_, err = registry.SetLimits(ctx, with.TenantID, bare, nil)
	require.NoError(t, err)
	testapp.WithinASecond(t, func() bool {
		return app.Do(t, testapp.Call{Path: "/api/v1/gated/export", Token: with.Token}).Status == http.StatusForbidden
	})
}
