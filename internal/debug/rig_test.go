package debug_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	internalconfig "github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/internal/debug"
	"github.com/yourorg/platform/internal/management"
	"github.com/yourorg/platform/internal/reload"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/config"
)

// rig is a platform and its management listener.
type rig struct {
	*testapp.App
	server *management.Server
	debug  *debug.Debug
	level  *telemetry.Level
	broken atomic.Bool // the configuration has a mistake from now on
}

// newRig starts one in an environment. Only what decides who may see the pages knows its name.
func newRig(t *testing.T, env config.Environment, set ...string) *rig {
	t.Helper()
	r := &rig{}
	r.App = testapp.New(t, modules.All(), testapp.Options{
		Set:   append([]string{"http.management_addr=127.0.0.1:0"}, set...),
		Extra: []fx.Option{fx.Populate(&r.server, &r.level, &r.debug), fx.Decorate(r.source)},
	})
	r.debug.Env = env
	return r
}

func (r *rig) source(s reload.Source) reload.Source {
	return reload.Source{Now: s.Now, Again: func() (*internalconfig.Config, error) {
		if r.broken.Load() {
			return nil, errors.New("log.levle is not a known key")
		}
		return s.Again()
	}}
}

// call is a request to the management listener, from this machine unless it says otherwise.
type call struct {
	method, path, token, body string
	from, host                string
	header                    map[string]string
}

func (r *rig) ask(c call) *httptest.ResponseRecorder {
	if c.method == "" {
		c.method = http.MethodGet
	}
	request := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
	request.RemoteAddr, request.Host = "127.0.0.1:50000", "127.0.0.1:8081"
	if c.from != "" {
		request.RemoteAddr = c.from
	}
	if c.host != "" {
		request.Host = c.host
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.header {
		request.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	r.server.ServeHTTP(w, request)
	return w
}

func (r *rig) want(t *testing.T, status int, c call) map[string]any {
	t.Helper()
	w := r.ask(c)
	require.Equal(t, status, w.Code, "%s %s: %s", c.method, c.path, w.Body)
	var answer map[string]any
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	}
	return answer
}

// admin is a token of the operator.
func (r *rig) admin(t *testing.T) string {
	t.Helper()
	token, _ := r.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	return token
}

var readable = []string{
	"/_debug", "/_debug/build", "/_debug/config", "/_debug/routes", "/_debug/events", "/_debug/jobs", "/_debug/log-level",
	"/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/heap", "/debug/pprof/symbol",
}

var changing = []call{
	{method: "PUT", path: "/_debug/log-level", body: `{"level":"warn"}`},
	{method: "POST", path: "/_debug/reload"},
}
