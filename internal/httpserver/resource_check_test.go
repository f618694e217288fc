package httpserver_test

import (
	"context"
	"io/fs"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tx"
)

// vault is a module whose operations depend on the resource, and which asks about it as a test wants it to.
type vault struct {
	ask   func(c *gin.Context, a authz.Authorizer) error
	wrote *bool // whether what the handler wrote was committed
}

func (vault) Name() string      { return "vault" }
func (vault) Migrations() fs.FS { return nil }

func (vault) Manifest() []byte {
	return []byte(`
name: vault
version: 1.0.0
description: Things that belong to somebody.
prefixes: [/api/v1/vault]
permissions:
  - {name: vault.thing.use, description: Use a thing., attributes: [owner], roles: [owner, {role: member, when: own}]}
  - {name: vault.thing.see, description: See a thing., roles: [owner]}
`)
}

const vaultContract = `
openapi: 3.0.3
info: {title: Vault, version: 1.0.0}
paths:
  /api/v1/vault/asked:
    get: {operationId: askedGet, x-permission: vault.thing.use, x-resource-check: true, responses: {"204": {description: Done}}}
    post: {operationId: askedPost, x-permission: vault.thing.use, x-resource-check: true, responses: {"204": {description: Done}}}
  /api/v1/vault/plain:
    post: {operationId: plainPost, x-permission: vault.thing.use, responses: {"204": {description: Done}}}
`

func (v vault) Init() fx.Option {
	return fx.Options(
		fx.Provide(func(a authz.Authorizer) module.Mount {
			return func(r gin.IRouter, around module.Around, fail func(*gin.Context, error)) {
				serve := func(id string) gin.HandlerFunc {
					handler := around(id, func(c *gin.Context, _ any) (any, error) {
						tx.AfterCommit(c.Request.Context(), func(context.Context) { *v.wrote = true })
						return nil, v.ask(c, a)
					})
					return func(c *gin.Context) {
						if _, err := handler(c, nil); err != nil {
							fail(c, err)
							return
						}
						c.Writer.WriteHeader(http.StatusNoContent)
					}
				}
				r.GET("/api/v1/vault/asked", serve("AskedGet"))
				r.POST("/api/v1/vault/asked", serve("AskedPost"))
				r.POST("/api/v1/vault/plain", serve("PlainPost"))
			}
		}),
		module.Routes([]byte(vaultContract), func(m module.Mount) module.Mount { return m }),
	)
}

func TestAnOperationCannotForgetToAskAboutItsResource(t *testing.T) {
	t.Parallel()
	about := func(permission string, owner uuid.UUID) func(*gin.Context, authz.Authorizer) error {
		return func(c *gin.Context, a authz.Authorizer) error {
			if owner == uuid.Nil {
				caller, _ := auth.FromContext(c.Request.Context())
				owner = caller.UserID
			}
			return a.AuthorizeResource(c.Request.Context(), perm.Permission(permission), authz.OwnedBy(owner))
		}
	}
	nothing := func(*gin.Context, authz.Authorizer) error { return nil }
	ignoring := func(c *gin.Context, a authz.Authorizer) error {
		_ = about("vault.thing.use", uuid.New())(c, a)
		return nil
	}
	for name, tt := range map[string]struct {
		ask                   func(*gin.Context, authz.Authorizer) error
		owner, member, viewer int
	}{
		"asks, and it is the caller's":  {about("vault.thing.use", uuid.Nil), 204, 204, 403},
		"asks, and it is somebody's":    {about("vault.thing.use", uuid.New()), 204, 403, 403},
		"does not ask":                  {nothing, 500, 500, 403},
		"asks about another permission": {about("vault.thing.see", uuid.Nil), 500, 403, 403},
		"does not heed the answer":      {ignoring, 204, 500, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrote := false
			app := testapp.New(t, append(modules.All(), vault{ask: tt.ask, wrote: &wrote}))
			user := app.Register(t, "vera")
			for role, want := range map[string]int{authz.Owner: tt.owner, authz.Member: tt.member, authz.Viewer: tt.viewer} {
				for _, held := range []string{authz.Owner, authz.Member, authz.Viewer} {
					require.NoError(t, app.Grants.Unassign(t.Context(), user.TenantID, user.ID, held))
				}
				require.NoError(t, app.Grants.Assign(t.Context(), user.TenantID, user.ID, role))
				app.Want(t, want, testapp.Call{Path: "/api/v1/vault/asked", Token: user.Token})
				wrote = false
				app.Want(t, want, testapp.Call{Method: "POST", Path: "/api/v1/vault/asked", Token: user.Token})
				require.Equal(t, want == 204, wrote, "%s: an answer that is kept back keeps nothing", role)

				plain := http.StatusForbidden // a grant for some resources is none where nobody asks
				if role == authz.Owner {
					plain = http.StatusNoContent
				}
				if name == "does not ask" {
					app.Want(t, plain, testapp.Call{Method: "POST", Path: "/api/v1/vault/plain", Token: user.Token})
				}
			}
		})
	}
}
