package ops_test

import (
	"io/fs"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/tenant"
)

// cellar declares what terms can name.
type cellar struct{}

func (cellar) Name() string      { return "cellar" }
func (cellar) Migrations() fs.FS { return nil }
func (cellar) Init() fx.Option   { return fx.Options() }
func (cellar) Manifest() []byte {
	return []byte(`name: cellar
version: 1.0.0
description: Wine.
entitlements: [{name: cellar.vintage, description: The old bottles.}]
units: [{name: bottles, description: What is drunk.}]
policies: [{name: grapes, description: What it is made of.}]
`)
}

type (
	object = map[string]any
	list   = []any
)

func TestTheOperatorSetsTheTermsOfATenant(t *testing.T) {
	t.Parallel()
	var features [2]entitlement.Checker
	var policies policy.Policies
	app := testapp.New(t, append(modules.All(), cellar{}), testapp.Options{Extra: []fx.Option{fx.Populate(&features[0])}})
	testapp.New(t, append(modules.All(), cellar{}), testapp.Options{
		Database: app.DatabaseURL(), Extra: []fx.Option{fx.Populate(&features[1], &policies)},
	})
	customer := app.Register(t, "customer")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	ctx := tenant.NewContext(t.Context(), customer.TenantID)
	path := "/api/v1/ops/tenants/" + customer.TenantID.String()
	get := func(path string) (body object, tag string) {
		answer := app.Want(t, http.StatusOK, testapp.Call{Path: path, Token: admin})
		answer.JSON(t, &body)
		return body, answer.Header.Get("ETag")
	}
	put := func(status int, path string, body object, match ...string) testapp.Answer {
		c := testapp.Call{Method: http.MethodPut, Path: path, Token: admin, Body: body}
		if len(match) > 0 {
			c.Header = map[string]string{"If-Match": match[0]}
		}
		return app.Want(t, status, c)
	}

	limits, tag := get(path + "/limits")
	require.Regexp(t, `^"0-`, tag)
	require.Equal(t, object{"plan": "", "quotas": list{}, "entitlements": list{}, "withheld": list{}}, limits["set"])
	require.Contains(t, limits["counts"].(object)["entitlements"], "cellar.vintage")
	require.Equal(t, object{"per_second": 1_000_000.0, "burst": 10_000_000.0}, limits["counts"].(object)["rate"], "what testapp configures")
	require.NotContains(t, limits["counts"], "key_rate", "keys have none of their own")
	for _, f := range features {
		require.NoError(t, f.Check(ctx, "cellar.vintage"))
	}

	gold := object{"description": "The best.", "entitlements": list{}, "rate": object{"per_second": 5.0, "burst": 9.0}, "quotas": list{}}
	made := put(http.StatusOK, "/api/v1/ops/plans/gold", gold, `"0"`).Header.Get("ETag")
	require.Equal(t, "terms.changed", put(http.StatusPreconditionFailed, "/api/v1/ops/plans/gold", gold, `"0"`).Code(t))
	require.Equal(t, "terms.plan_configured", put(http.StatusConflict, "/api/v1/ops/plans/standard", gold).Code(t))
	plan, tag := get("/api/v1/ops/plans/gold")
	require.Equal(t, made, tag)
	gold["name"], gold["configured"] = "gold", false
	require.Equal(t, gold, plan)
	plans, _ := get("/api/v1/ops/plans")
	require.Len(t, plans["items"], 2)

	quotas := list{object{"unit": "bottles", "window": "month", "amount": 3.0, "soft": true}}
	answer := put(http.StatusOK, path+"/limits", object{"plan": "gold", "quotas": quotas}, `"0"`)
	changed := answer.Header.Get("ETag")
	require.Regexp(t, `^"1-`, changed)
	answer.JSON(t, &limits)
	require.Equal(t, object{"plan": "gold", "rate": gold["rate"], "quotas": quotas, "entitlements": list{}}, limits["counts"])
	for _, f := range features {
		testapp.WithinASecond(t, func() bool { return f.Check(ctx, "cellar.vintage") != nil })
	}
	require.Equal(t, "terms.changed", put(http.StatusPreconditionFailed, path+"/limits", object{}, `"0"`).Code(t))
	again, tag := get(path + "/limits")
	require.Equal(t, limits, again)
	require.Equal(t, changed, tag)

	require.Equal(t, "terms.plan_in_use", app.Want(t, http.StatusConflict,
		testapp.Call{Method: http.MethodDelete, Path: "/api/v1/ops/plans/gold", Token: admin}).Code(t))
	put(http.StatusOK, path+"/limits", object{})
	app.Want(t, http.StatusNoContent, testapp.Call{Method: http.MethodDelete, Path: "/api/v1/ops/plans/gold", Token: admin})
	app.Want(t, http.StatusNotFound, testapp.Call{Path: "/api/v1/ops/plans/gold", Token: admin})

	require.ErrorIs(t, policies.Allowed(ctx, "grapes", "riesling"), policy.ErrDenied)
	wishes := object{"allow": object{"grapes": list{"ries*"}}, "routing": object{"grapes": object{
		"strategy": "priority", "targets": list{object{"name": "merlot"}, object{"name": "riesling"}},
	}}}
	require.Equal(t, `"1"`, put(http.StatusOK, path+"/policies", wishes, `"0"`).Header.Get("ETag"))
	testapp.WithinASecond(t, func() bool { return policies.Allowed(ctx, "grapes", "riesling") == nil })
	preferred, err := policies.Route(ctx, "grapes", "")
	require.NoError(t, err)
	require.Equal(t, []string{"riesling"}, preferred, "what may not be used is left out")
	shown, tag := get(path + "/policies")
	require.Equal(t, wishes, shown)
	require.Equal(t, `"1"`, tag)
	put(http.StatusPreconditionFailed, path+"/policies", object{}, `"7"`)

	// The tenant sees what has become of its terms; that the operator did it is in the operator's trail.
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE changes LIKE '%terms.limits%' AND tenant_id = '"+customer.TenantID.String()+"'"), 2)
	require.Len(t, app.Rows(t, "SELECT id FROM audit_events WHERE permission = 'ops.terms.change' AND outcome = 'succeeded' AND tenant_id <> '"+customer.TenantID.String()+"'"), 5)
}

func TestATagNamesAllThatIsShown(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, append(modules.All(), cellar{}))
	customer := app.Register(t, "customer")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	limits, plan := "/api/v1/ops/tenants/"+customer.TenantID.String()+"/limits", "/api/v1/ops/plans/gold"
	do := func(status int, method, path string, body any, header ...string) testapp.Answer {
		c := testapp.Call{Method: method, Path: path, Token: admin, Body: body}
		if len(header) > 0 {
			c.Header = map[string]string{header[0]: header[1]}
		}
		return app.Want(t, status, c)
	}
	rate := func(n float64) object { return object{"per_second": n, "burst": n} }

	first := do(http.StatusOK, http.MethodPut, plan, object{"rate": rate(1)}).Header.Get("ETag")
	do(http.StatusOK, http.MethodPut, limits, object{"plan": "gold"})
	old := do(http.StatusOK, http.MethodGet, limits, nil).Header.Get("ETag")
	do(http.StatusNotModified, http.MethodGet, limits, nil, "If-None-Match", old)
	do(http.StatusOK, http.MethodPut, plan, object{"rate": rate(2)}, "If-Match", first)
	var body object
	do(http.StatusOK, http.MethodGet, limits, nil, "If-None-Match", old).JSON(t, &body)
	require.Equal(t, rate(2), body["counts"].(object)["rate"])
	do(http.StatusOK, http.MethodPut, limits, object{}, "If-Match", old) // nobody has changed what was set
	do(http.StatusPreconditionFailed, http.MethodPut, limits, object{}, "If-Match", old)

	do(http.StatusNoContent, http.MethodDelete, plan, nil)
	do(http.StatusOK, http.MethodPut, plan, object{"rate": rate(3)}, "If-Match", `"0"`)
	do(http.StatusOK, http.MethodGet, plan, nil, "If-None-Match", first)
	do(http.StatusPreconditionFailed, http.MethodPut, plan, object{}, "If-Match", first)
	do(http.StatusPreconditionFailed, http.MethodDelete, plan, nil, "If-Match", first)
	do(http.StatusPreconditionFailed, http.MethodPut, plan, object{}, "If-Match", `"0"`)
	configured := do(http.StatusOK, http.MethodGet, "/api/v1/ops/plans/standard", nil).Header.Get("ETag")
	require.Len(t, configured, 24, "a digest: the configuration has no versions")
}

func TestTermsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, append(modules.All(), cellar{}))
	customer := app.Register(t, "customer")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	path := "/api/v1/ops/tenants/" + customer.TenantID.String()
	for _, c := range []struct {
		path  string
		body  object
		field string
	}{
		{path + "/limits", object{"plan": "gold"}, "plan"},
		{path + "/limits", object{"rate": object{"per_second": 0, "burst": 1}}, "rate.per_second"},
		{path + "/limits", object{"quotas": list{object{"unit": "barrels", "window": "day", "amount": 1}}}, "quotas.0.unit"},
		{path + "/limits", object{"entitlements": list{"cellar.vintages"}}, "entitlements.0"},
		{path + "/policies", object{"allow": object{"grape": list{}}}, "allow.grape"},
		{path + "/policies", object{"routing": object{"grapes": object{"strategy": "weighted", "targets": list{object{"name": "a"}}}}}, "routing.grapes.targets.0.weight"},
		{"/api/v1/ops/plans/Gold", object{}, "name"},
	} {
		var p struct {
			Code   string
			Errors []struct{ Field string }
		}
		app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Method: http.MethodPut, Path: c.path, Token: admin, Body: c.body}).JSON(t, &p)
		require.Equal(t, "terms.invalid", p.Code)
		require.Len(t, p.Errors, 1)
		require.Equal(t, c.field, p.Errors[0].Field)
	}
	for _, what := range []string{"/limits", "/policies"} {
		nowhere := "/api/v1/ops/tenants/" + uuid.NewString() + what
		require.Equal(t, "terms.tenant_unknown", app.Want(t, http.StatusNotFound, testapp.Call{Path: nowhere, Token: admin}).Code(t))
		require.Equal(t, "terms.tenant_unknown", app.Want(t, http.StatusNotFound, testapp.Call{Method: http.MethodPut, Path: nowhere, Token: admin, Body: object{}}).Code(t))
		for _, method := range []string{http.MethodGet, http.MethodPut} {
			c := testapp.Call{Method: method, Path: path + what, Token: customer.Token}
			if method == http.MethodPut {
				c.Body = object{}
			}
			app.Want(t, http.StatusForbidden, c) // not even for oneself
		}
	}
	app.Want(t, http.StatusForbidden, testapp.Call{Method: http.MethodDelete, Path: "/api/v1/ops/plans/standard", Token: customer.Token})
}
