package httpserver_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

var frontEnd = fstest.MapFS{
	"index.html":               {Data: []byte("<p>home")},
	"assets/index-BX3kYz1a.js": {Data: []byte(strings.Repeat("script ", 500))},
	"api/v1/me":                {Data: []byte("not the API")},
	"metrics":                  {Data: []byte("no metrics")},
}

const navigation = "text/html,*/*;q=0.8"

// fronted is the platform with a single page at / and another front end at /app.
func fronted(t *testing.T) *testapp.App {
	t.Helper()
	return testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{
		module.Static("/", web.Static(frontEnd, web.SinglePage())),
		module.Static("/app", web.Static(fstest.MapFS{"index.html": {Data: []byte("<p>app")}}, web.Policy("default-src 'none'"))),
	}})
}

func TestAFrontEndIsServedBesideTheContracts(t *testing.T) {
	t.Parallel()
	app := fronted(t)
	for path, want := range map[string]string{
		"/": "<p>home", "/index.html": "<p>home", "/settings/profile": "<p>home", "/application": "<p>home", "/app/": "<p>app", "/app/index.html": "<p>app",
	} {
		w := asked(app, "GET", path, "Accept", navigation)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, want, w.Body.String(), path)
		require.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.Equal(t, want == "<p>app", w.Header().Get("Content-Security-Policy") == "default-src 'none'")
		require.NotEmpty(t, w.Header().Get("X-Request-Id"))
	}
	w := asked(app, "GET", "/app?a=b", "Accept", navigation)
	require.Equal(t, http.StatusTemporaryRedirect, w.Code)
	require.Equal(t, "/app/?a=b", w.Header().Get("Location"))

	// What does not lie there compressed is compressed on the way.
	w = asked(app, "GET", "/assets/index-BX3kYz1a.js", "Accept-Encoding", "gzip")
	require.Equal(t, string(frontEnd["assets/index-BX3kYz1a.js"].Data), decoded(t, "gzip", w.Body.Bytes()))
	require.Contains(t, w.Header().Get("Cache-Control"), "immutable")
	head := asked(app, "HEAD", "/assets/index-BX3kYz1a.js", "Accept-Encoding", "gzip")
	for _, name := range []string{"ETag", "Content-Encoding", "Vary", "Content-Type"} {
		require.Equal(t, w.Header().Get(name), head.Header().Get(name), name)
	}
	tag := w.Header().Get("ETag")
	require.Contains(t, tag, `-gzip"`)
	w = asked(app, "GET", "/assets/index-BX3kYz1a.js", "Accept-Encoding", "gzip", "If-None-Match", tag)
	require.Equal(t, http.StatusNotModified, w.Code)
	require.Equal(t, tag, w.Header().Get("ETag"))
	w = asked(app, "GET", "/assets/index-BX3kYz1a.js", "Accept-Encoding", "gzip", "Range", "bytes=0-5", "If-Range", tag)
	require.Equal(t, http.StatusOK, w.Code, "what it has a part of is not the file as it is")

	metrics := string(app.Want(t, http.StatusOK, testapp.Call{Path: "/metrics"}).Body)
	require.Contains(t, metrics, `platform_http_requests_total{method="GET",route="/*",status="304"} 1`)
	require.Contains(t, metrics, `platform_http_requests_total{method="GET",route="/app/*",status="200"} 2`)
	require.NotContains(t, metrics, "settings/profile")
}

// Whatever a browser says that it wants, an address of the platform's is never a page of the front end.
func TestAFrontEndSwallowsNothingOfThePlatforms(t *testing.T) {
	t.Parallel()
	app := fronted(t)
	for path, status := range map[string]int{
		"/api": 404, "/api/": 404, "/api/v1": 404, "/api/v1/nothing": 404, "/api/v1/blog/nothing": 404, "/api/v2/me": 404, "/api/v1/me": 401,
		"/api/v1/me/": 404, "/api%2Fv1%2Fnothing": 404, "/api//v1/me": 404, "/.well-known/nothing": 404, "/docs/nothing": 404, "/docs/": 404,
		"/metrics/": 404, "/_debug": 404, "/debug/pprof/": 404, "/healthz/x": 404, "/oauth/nothing": 404, "/api/v1/auth/login": 405,
		"//api/v1/me": 404, "/x/../api/v1/me": 404, "/.env": 404, "/missing.js": 404, "/app/missing": 404, "/app/../api/v1/me": 404,
	} {
		w := asked(app, "GET", path, "Accept", navigation)
		require.Equal(t, status, w.Code, path)
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"), path)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"), path)
		require.Equal(t, "default-src 'none'; frame-ancestors 'none'", w.Header().Get("Content-Security-Policy"))
	}
	require.Contains(t, asked(app, "GET", "/metrics").Body.String(), "platform_http_requests_total")
	require.Contains(t, asked(app, "GET", "/docs").Body.String(), "swagger")

	for _, path := range []string{"/", "/index.html", "/settings", "/app/"} {
		w := asked(app, "POST", path, "Accept", navigation)
		require.Equal(t, http.StatusMethodNotAllowed, w.Code, path)
		require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
		require.Contains(t, w.Body.String(), "request.method_not_allowed")
	}
	require.Equal(t, http.StatusNotFound, asked(app, "POST", "/api/v1/nothing").Code)
}

func TestAFolderIsServedByConfigurationAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "public"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("hunter2"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "public", "index.html"), []byte("<p>home"), 0o600))
	require.NoError(t, os.Symlink("../secret", filepath.Join(dir, "public", "link")))
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{
		"http.static.dir=" + filepath.Join(dir, "public"), "http.static.path=/console", "http.static.single_page=true",
		"http.static.content_policy=script-src 'self'", "http.static.immutable=*.html",
	}})
	w := asked(app, "GET", "/console/users/42", "Accept", navigation)
	require.Equal(t, "<p>home", w.Body.String())
	require.Equal(t, "script-src 'self'", w.Header().Get("Content-Security-Policy"))
	require.Contains(t, w.Header().Get("Cache-Control"), "immutable")
	require.Equal(t, http.StatusNotFound, asked(app, "GET", "/console/link").Code)
	require.Equal(t, http.StatusNotFound, asked(app, "GET", "/").Code)
}

func TestAFrontEndThatCannotBeServedEndsTheStart(t *testing.T) {
	t.Parallel()
	c, err := catalog.New([]byte("{name: core, version: 1.0.0, description: The platform., prefixes: [/core]}"), nil, nil)
	require.NoError(t, err)
	site := func(prefix string, options ...web.SiteOption) module.Site {
		return module.Site{Prefix: prefix, Site: web.Static(fstest.MapFS{}, options...)}
	}
	for want, tt := range map[string]struct {
		sites []module.Site
		dir   string
	}{
		"/app: two front ends":                       {[]module.Site{site("/app"), site("/app")}, ""},
		"/: two front ends":                          {[]module.Site{site("/")}, t.TempDir()},
		"/api: the path belongs to the platform":     {[]module.Site{site("/api")}, ""},
		"/api/x: the path belongs to the platform":   {[]module.Site{site("/api/x")}, ""},
		"/docs: the path belongs to the platform":    {[]module.Site{site("/docs")}, ""},
		"/core/x: the path belongs to the platform":  {[]module.Site{site("/core/x")}, ""},
		`"app": a front end's prefix`:                {[]module.Site{site("app")}, ""},
		`"/app/": a front end's prefix`:              {[]module.Site{site("/app/")}, ""},
		`"/a/../b": a front end's prefix`:            {[]module.Site{site("/a/../b")}, ""},
		`"": a front end's prefix`:                   {[]module.Site{site("")}, ""},
		"/x: a single page without index.html":       {[]module.Site{site("/x", web.SinglePage())}, ""},
		`/x: the pattern "["`:                        {[]module.Site{site("/x", web.Immutable("["))}, ""},
		"http.static.dir: open /nowhere/at/all: no ": {nil, "/nowhere/at/all"},
	} {
		cfg := httpserver.DefaultConfig()
		cfg.Static.Dir = tt.dir
		_, err := httpserver.New(cfg, httpserver.Deps{Log: zap.NewNop(), Metrics: telemetry.NewMetrics(), Catalog: c, Sites: tt.sites})
		require.ErrorContains(t, err, want)
	}
	cfg := httpserver.DefaultConfig()
	cfg.Static.Dir, cfg.Static.Path = t.TempDir(), "app/"
	require.ErrorContains(t, cfg.Validate(), "static.path")
}
