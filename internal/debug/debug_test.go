package debug_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/config"
)

func TestTheConfigurationIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Development)
	w := r.ask(call{path: "/_debug/config"})
	require.NotContains(t, w.Body.String(), testapp.AdminPassword)
	var answer struct {
		Settings []struct {
			Key, Value, Source string
			Reload             bool
		}
		Waiting []string `json:"waiting_for_restart"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	require.Empty(t, answer.Waiting)
	byKey, reloaded := map[string]string{}, []string{}
	for _, s := range answer.Settings {
		byKey[s.Key] = s.Value + " from " + s.Source
		if s.Reload {
			reloaded = append(reloaded, s.Key)
		}
	}
	require.Equal(t, []string{
		"database.slow_query", "database.slow_query_lines",
		"http.abuse_guard.burst", "http.abuse_guard.rate", "http.access_log.sample", "http.access_log.slow",
		"http.compression.enabled", "http.compression.min_bytes", "http.concurrency.limit", "http.concurrency.queue",
		"http.cors.allow_credentials", "http.cors.allowed_headers", "http.cors.allowed_origins", "http.cors.max_age", "http.cors.tenant_origins",
		"log.level", "ratelimit.key.burst", "ratelimit.key.per_second", "ratelimit.max_keys", "ratelimit.on_error", "ratelimit.public_per_minute",
		"ratelimit.tenant.burst", "ratelimit.tenant.per_second",
	}, reloaded)
	require.Equal(t, "******** from flag --set", byKey["bootstrap.admin_password"])
	require.Equal(t, "error from config/test.yaml (embedded)", byKey["log.level"])
}

func TestRoutesAreShownWithWhatTheyPass(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Development)
	var answer struct {
		Routes []struct {
			Module, Method, Path, Access, Permission string
			Middleware                               []string
		}
	}
	require.NoError(t, json.Unmarshal(r.ask(call{path: "/_debug/routes"}).Body.Bytes(), &answer))
	require.Len(t, answer.Routes, len(r.Server.Routes()))
	for _, route := range answer.Routes {
		common := []string{"recovered", "identified", "observed", "secured", "admitted", "shared", "limited", "timed"}
		if !slices.Contains(route.Middleware, "admitted") { // a probe is never refused
			common = slices.Delete(common, 4, 5)
			require.Contains(t, []string{"/healthz", "/ready", "/version"}, route.Path)
		}
		require.Equal(t, common, route.Middleware[:len(common)])
		require.Equal(t, "validated", route.Middleware[len(route.Middleware)-1])
		require.Equal(t, route.Access == "permission", slices.Contains(route.Middleware, "authorized"), route.Path)
		require.Equal(t, route.Access == "permission", route.Permission != "", route.Path)
		if route.Method == "PATCH" && route.Path == "/api/v1/blog/posts/{id}" {
			require.Equal(t, "blog.post.update", route.Permission)
			require.Equal(t, append(common, "authenticated", "paced", "counted", "factored", "authorized", "validated"), route.Middleware)
		}
	}
}

func TestQueuesAndEventsAndTheBuildAreShown(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Development)
	writer := r.Register(t, "writer")
	var post struct{ ID string }
	r.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: writer.Token, Body: map[string]any{
		"title": "A title", "content": "Nobody else's business",
	}}).JSON(t, &post)
	r.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: "/api/v1/blog/posts/" + post.ID + "/publish", Token: writer.Token})
	events := r.want(t, http.StatusOK, call{path: "/_debug/events"})
	require.Contains(t, events, "deliveries")
	published := events["events"].([]any)[0].(map[string]any)
	require.Equal(t, "blog.post.published", published["topic"])
	require.Equal(t, writer.TenantID.String(), published["tenant_id"])
	require.NotContains(t, published, "data")
	jobs := r.want(t, http.StatusOK, call{path: "/_debug/jobs"})
	require.NotEmpty(t, jobs["queues"])
	require.NotEmpty(t, jobs["schedules"])
	build := r.want(t, http.StatusOK, call{path: "/_debug/build"})
	require.NotEmpty(t, build["go"])
	require.Equal(t, "development", build["environment"])
	require.Contains(t, r.want(t, http.StatusOK, call{path: "/_debug"})["pages"], "/_debug/routes")
	r.want(t, http.StatusNotFound, call{path: "/debug/pprof/cmdline"}) // it may hold a secret
	require.NotContains(t, r.ask(call{path: "/debug/pprof/cmdline"}).Body.String(), "debug.test")
}

func TestTheLogLevelChangesAndItIsKnownWhoDidIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Production)
	admin := r.admin(t)
	require.Equal(t, "error", r.want(t, http.StatusOK, call{path: "/_debug/log-level", token: admin})["level"])
	put := call{method: "PUT", path: "/_debug/log-level", token: admin}
	for body, status := range map[string]int{
		`{"level":"loud"}`: http.StatusUnprocessableEntity, `{"level":"fatal"}`: http.StatusUnprocessableEntity, `{}`: http.StatusUnprocessableEntity,
		`{"level":"debug","for":"ever"}`: http.StatusBadRequest, `{"level":"debug"} {}`: http.StatusBadRequest, `nonsense`: http.StatusBadRequest,
		`{"level":"` + strings.Repeat("x", 100_000) + `"}`: http.StatusBadRequest,
	} {
		put.body = body
		r.want(t, status, put)
	}
	put.body, put.header = `{"level":"debug"}`, map[string]string{"Content-Type": "text/plain"}
	r.want(t, http.StatusUnsupportedMediaType, put)
	require.Equal(t, "error", r.level.String())
	put.header = nil
	require.Equal(t, "debug", r.want(t, http.StatusOK, put)["level"])
	require.Equal(t, "debug", r.level.String())

	said := r.Log.FilterMessage("the log level was changed").All()
	require.Len(t, said, 1)
	require.Equal(t, zap.WarnLevel, said[0].Level)
	require.Equal(t, "debug", said[0].ContextMap()["to"])
	require.NotEmpty(t, said[0].ContextMap()["user_id"])
	require.Equal(t, []string{"log.level:debug succeeded"}, r.audited(t, admin))
}

// audited are the changes in the audit trail of the operator.
func (r *rig) audited(t *testing.T, token string) []string {
	t.Helper()
	var answer struct {
		Items []struct{ Target, Outcome string }
	}
	r.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/audit/events?permission=system.debug.change", Token: token}).JSON(t, &answer)
	var all []string
	for _, e := range answer.Items {
		all = append(all, e.Target+" "+e.Outcome)
	}
	return all
}

func TestTheOperatorReloadsTheConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t, config.Production)
	admin := r.admin(t)
	answer := r.want(t, http.StatusOK, call{method: "POST", path: "/_debug/reload", token: admin})
	require.Equal(t, map[string]any{"applied": []any{}, "waiting_for_restart": []any{}}, answer)
	require.Equal(t, []string{"config succeeded"}, r.audited(t, admin))
	said := r.Log.FilterMessage("the configuration was reloaded").All()
	require.Len(t, said, 1)
	require.NotEmpty(t, said[0].ContextMap()["user_id"])

	r.broken.Store(true)
	refused := r.want(t, http.StatusUnprocessableEntity, call{method: "POST", path: "/_debug/reload", token: admin})
	require.Equal(t, "debug.reload_refused", refused["code"])
	require.Equal(t, "log.levle is not a known key", refused["detail"])
	require.Equal(t, []string{"config failed", "config succeeded"}, r.audited(t, admin))
}
