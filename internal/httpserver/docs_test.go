package httpserver_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestTheBundleIsAnOpenAPIDocument(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	answer := app.Want(t, http.StatusOK, testapp.Call{Path: "/openapi.json"})
	require.Equal(t, "application/json", answer.Header.Get("Content-Type"))
	doc, err := openapi3.NewLoader().LoadFromData(answer.Body)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context(), openapi3.AllowExtraSiblingFields("description")))
	require.Equal(t, "3.0.3", doc.OpenAPI)

	// Every operation is there with what it says about access, and nothing else is.
	served := 0
	for _, op := range app.Server.Routes() {
		spec := doc.Paths.Value(op.Path).GetOperation(op.Method)
		require.NotNil(t, spec, "%s %s", op.Method, op.Path)
		require.Equal(t, op.ID, spec.OperationID)
		require.Equal(t, []string{op.Module}, spec.Tags)
		require.NotNil(t, spec.Responses.Default(), "%s %s says how it fails", op.Method, op.Path)
		switch op.Access {
		case contract.Permitted:
			require.Equal(t, string(op.Permission), spec.Extensions["x-permission"])
		case contract.Authenticated:
			require.Equal(t, true, spec.Extensions["x-authenticated"])
		case contract.Public:
			require.NotNil(t, spec.Security)
			if op.Optional {
				require.Equal(t, openapi3.SecurityRequirements{{}, {"bearer": {}}}, *spec.Security)
				continue
			}
			require.Empty(t, *spec.Security)
		default:
			t.Fatalf("%s %s has no access", op.Method, op.Path)
		}
	}
	for _, item := range doc.Paths.Map() {
		served += len(item.Operations())
	}
	require.Len(t, app.Server.Routes(), served)
	require.Contains(t, doc.Components.Schemas, "Problem")
	require.Contains(t, doc.Components.Schemas, "BlogPost", "schemas have their module's name as a prefix")
	require.NotContains(t, doc.Components.Schemas, "Post")
}

func TestTheBundleIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	call := testapp.Call{Path: "/openapi.json"}
	one, two := testapp.New(t, modules.All()), testapp.New(t, modules.All())
	require.Equal(t, string(one.Do(t, call).Body), string(two.Do(t, call).Body))
	require.True(t, json.Valid(one.Do(t, call).Body))
}

// The page works without the network: everything that it loads comes from the platform, and the policy that it is
// served with forbids the rest.
func TestTheDocsPageLoadsItsOwnAssetsOnly(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	page := app.Want(t, http.StatusOK, testapp.Call{Path: "/docs"})
	require.Equal(t, "text/html; charset=utf-8", page.Header.Get("Content-Type"))
	policy := page.Header.Get("Content-Security-Policy")
	require.NotContains(t, policy, "http")
	require.NotContains(t, policy, "*")
	require.Contains(t, policy, "script-src 'self';")

	var assets []string
	for _, e := range elements(t, page.Body) {
		for _, a := range e.Attr {
			require.False(t, strings.HasPrefix(a.Name.Local, "on"), "the policy would not run %s", a.Name.Local)
			if a.Name.Local == "src" || a.Name.Local == "href" {
				assets = append(assets, a.Value)
			}
		}
	}
	require.Len(t, assets, 4)
	for _, asset := range assets {
		require.True(t, strings.HasPrefix(asset, "/docs/assets/"), asset)
		answer := app.Want(t, http.StatusOK, testapp.Call{Path: asset})
		require.NotEmpty(t, answer.Body, asset)
		want := map[string]string{"css": "text/css", "js": "javascript", "png": "image/png"}[asset[strings.LastIndex(asset, ".")+1:]]
		require.Contains(t, answer.Header.Get("Content-Type"), want, asset)
	}
	script := string(app.Want(t, http.StatusOK, testapp.Call{Path: "/docs/assets/docs.js"}).Body)
	require.Contains(t, script, `"/openapi.json"`)
	require.NotContains(t, script, "http")
	require.Contains(t, script, "validatorUrl: null", "its validator is somebody else's server")
}

// elements reads HTML that is written like XML but for void elements.
func elements(t *testing.T, page []byte) []xml.StartElement {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(page)))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var found []xml.StartElement
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		if e, ok := token.(xml.StartElement); ok {
			found = append(found, e.Copy())
		}
	}
}

// Labels made from what clients send would grow without bound, and would show ids to whoever reads metrics.
func TestMetricsNameRoutesAndNeverPaths(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ada")
	id := uuid.NewString()
	for _, call := range []testapp.Call{
		{Path: "/api/v1/blog/posts/" + id, Token: user.Token},
		{Path: "/api/v1/blog/posts/" + id},
		{Path: "/secret-" + id},
		{Path: "/api/v1/blog/posts?limit=x-" + id, Token: user.Token},
		{Method: "BREW", Path: "/api/v1/me"},
		{Method: "PUT", Path: "/api/v1/blog/posts/" + id},
	} {
		app.Do(t, call)
	}
	metrics := string(app.Want(t, http.StatusOK, testapp.Call{Path: "/metrics"}).Body)
	for _, secret := range []string{id, "BREW", user.Email, user.ID.String(), user.TenantID.String()} {
		require.NotContains(t, metrics, secret)
	}
	for _, line := range []string{
		`platform_http_requests_total{method="GET",route="/api/v1/blog/posts/:id",status="404"} 1`,
		`platform_http_requests_total{method="GET",route="/api/v1/blog/posts/:id",status="401"} 1`,
		`platform_http_requests_total{method="GET",route="/api/v1/blog/posts",status="422"} 1`,
		`platform_http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`platform_http_requests_total{method="other",route="unmatched",status="405"} 1`,
		`platform_http_requests_total{method="PUT",route="unmatched",status="405"} 1`,
		`platform_http_requests_in_flight 1`,
		`platform_http_request_duration_seconds_count{method="POST",route="/api/v1/auth/login"} 1`,
	} {
		require.Contains(t, metrics, line+"\n")
	}
}
