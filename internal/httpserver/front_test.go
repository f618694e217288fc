package httpserver_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
)

// metric is the value of a line of /metrics, as text.
func metric(t *testing.T, app *testapp.App, name string) string {
	t.Helper()
	for line := range strings.Lines(string(app.Want(t, http.StatusOK, testapp.Call{Path: "/metrics"}).Body)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestTheClientsAddressComesFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	forged := map[string]string{"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.8", "X-Real-IP": "203.0.113.9", "X-Request-ID": "r-1"}
	for networks, want := range map[string]string{"[]": "192.0.2.1", "192.0.2.0/24": "203.0.113.7", "10.0.0.0/8,192.0.3.0/24": "192.0.2.1"} {
		app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"http.trusted_proxies=" + networks}})
		app.Want(t, http.StatusOK, testapp.Call{Path: "/version", Header: forged})
		require.Equal(t, want, logged(app, "request", "r-1")[0].ContextMap()["ip"], networks)
	}
}

func TestWhoAsksTooFastIsRefusedBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{
		"http.abuse_guard.enabled=true", "http.abuse_guard.rate=1", "http.abuse_guard.burst=5",
	}})
	from := func(ip, path string, header ...string) testapp.Answer {
		r := httptest.NewRequest(http.MethodPost, path, nil)
		if path != "/api/v1/auth/login" && path != "/oauth/token" {
			r.Method = http.MethodGet
		}
		r.RemoteAddr = ip
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return app.Send(t, r)
	}
	// flood asks until it is refused: on a slow machine some of it drains meanwhile.
	flood := func(ip, path string, header ...string) (answer testapp.Answer) {
		for range 10_000 {
			if answer = from(ip, path, header...); answer.Status == http.StatusTooManyRequests {
				return answer
			}
		}
		t.Fatalf("%s was never refused", path)
		return answer
	}
	answer := flood("203.0.113.1:80", "/api/v1/auth/login")
	require.Equal(t, "request.too_many", answer.Code(t))
	require.Equal(t, "1", answer.Header.Get("Retry-After"))
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	flood("203.0.113.1:81", "/nowhere")
	flood("203.0.113.1:82", "/docs")
	flood("203.0.113.1:83", "/metrics")
	flood("203.0.113.1:84", "/api/v1/me", "X-Forwarded-For", "198.51.100.1")
	flood("[2001:db8::1]:80", "/version")
	flood("[2001:db8::ffff:1]:80", "/version", "X-Request-ID", "r-flood")
	require.JSONEq(t, `{"error":"temporarily_unavailable","error_description":"Too many requests from this address"}`, string(flood("203.0.113.2:80", "/oauth/token").Body))

	for range 100 {
		require.Equal(t, http.StatusOK, from("203.0.113.1:80", "/healthz").Status)
		require.Equal(t, http.StatusOK, from("203.0.113.1:80", "/ready").Status)
	}
	require.Equal(t, http.StatusOK, from("203.0.113.3:80", "/version").Status, "others do not suffer")
	require.Equal(t, http.StatusOK, from("[2001:db8:0:1::1]:80", "/version").Status)

	lines := app.Log.FilterMessage("addresses that ask too fast are refused").All()
	require.NotEmpty(t, lines)
	for _, line := range app.Log.FilterMessage("request").All() {
		require.NotEqualValues(t, http.StatusTooManyRequests, line.ContextMap()["status"], "a flood does not fill the log")
	}
	refused := metric(t, app, "platform_http_abuse_refused_total")
	require.NotEmpty(t, refused)
	require.NotEqual(t, "0", refused)
}

// crowded is a platform with one place and one seat to wait in, of which something has taken the place.
func crowded(t *testing.T, h held, set ...string) (app *testapp.App, first chan testapp.Answer) {
	t.Helper()
	app = probed(t, map[string]module.Handler{"OpenGet": h.handle}, testapp.Options{Set: append([]string{
		"http.concurrency.limit=1", "http.concurrency.queue=1", "http.concurrency.queue_timeout=1h", "http.request_timeout=10m", "http.write_timeout=20m",
	}, set...)})
	first = make(chan testapp.Answer, 1)
	go func() { first <- app.Do(t, testapp.Call{Path: "/api/v1/probe/open"}) }()
	<-h.entered
	return app, first
}

func queued(t *testing.T, app *testapp.App, want string) {
	t.Helper()
	require.Eventually(t, func() bool { return metric(t, app, `platform_http_queued{gate="requests"}`) == want }, 20*time.Second, time.Millisecond)
}

func TestWhoFindsNoRoomIsToldSo(t *testing.T) {
	t.Parallel()
	h := newHeld()
	// The platform's own sign-in needs a place, so the operator's token comes from another replica of it.
	app, first := crowded(t, h)
	beside := testapp.New(t, append(modules.All(), probe{}), testapp.Options{Database: app.DatabaseURL()})
	operator, _ := beside.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	user := beside.Register(t, "ada")

	second := make(chan testapp.Answer, 1)
	go func() { second <- app.Do(t, testapp.Call{Path: "/docs"}) }()
	queued(t, app, "1")
	for _, call := range []testapp.Call{
		{Path: "/docs"},
		{Path: "/nowhere"},
		{Path: "/api/v1/me", Token: user.Token},
		{Method: "POST", Path: "/api/v1/auth/login", Body: "{}"},
		{Path: "/api/v1/ops/jobs"}, // without credentials nobody is an operator
	} {
		answer := app.Want(t, http.StatusServiceUnavailable, call)
		require.Equal(t, "request.overloaded", answer.Code(t), call.Path)
		require.Equal(t, "1", answer.Header.Get("Retry-After"))
	}
	for range 3 {
		app.Want(t, http.StatusOK, testapp.Call{Path: "/healthz"})
		app.Want(t, http.StatusOK, testapp.Call{Path: "/ready"})
		app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/ops/jobs", Token: operator})
		app.Want(t, http.StatusForbidden, testapp.Call{Path: "/api/v1/ops/jobs", Token: user.Token})
		app.Want(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/ops/jobs", Token: "forged"})
	}
	require.Equal(t, "1", metric(t, app, `platform_http_admitted{gate="requests"}`))
	require.Equal(t, "0", metric(t, app, `platform_http_admitted{gate="operators"}`))
	require.Equal(t, "5", metric(t, app, `platform_http_overload_refused_total{gate="requests",reason="full"}`))

	close(h.release)
	require.Equal(t, http.StatusNoContent, (<-first).Status)
	require.Equal(t, http.StatusOK, (<-second).Status, "who waited gets a turn")
	require.Equal(t, "0", metric(t, app, `platform_http_admitted{gate="requests"}`))
}

func TestWhoHangsUpWaitsNoLonger(t *testing.T) {
	t.Parallel()
	h := newHeld()
	app, first := crowded(t, h)
	ctx, hangUp := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, app.URL+"/docs", nil)
	require.NoError(t, err)
	waited := make(chan error, 1)
	go func() {
		_, err := newClient(t).Do(r)
		waited <- err
	}()
	queued(t, app, "1")
	hangUp()
	require.ErrorIs(t, <-waited, context.Canceled)
	queued(t, app, "0")
	require.Equal(t, "1", metric(t, app, `platform_http_overload_refused_total{gate="requests",reason="gone"}`))
	close(h.release)
	<-first
}

func TestNobodyWaitsForEverForAPlace(t *testing.T) {
	t.Parallel()
	h := newHeld()
	app, first := crowded(t, h, "http.concurrency.queue_timeout=10ms")
	require.Equal(t, "request.overloaded", app.Want(t, http.StatusServiceUnavailable, testapp.Call{Path: "/docs"}).Code(t))
	require.Equal(t, "1", metric(t, app, `platform_http_overload_refused_total{gate="requests",reason="timeout"}`))
	close(h.release)
	<-first
}

func TestAPlaceIsFreeAgainHoweverTheHandlerEnds(t *testing.T) {
	t.Parallel()
	ends := map[string]func(){
		"/panic": func() { panic("lost") }, "/abort": func() { panic(http.ErrAbortHandler) }, "/return": func() {},
	}
	handler := func(c *gin.Context, _ any) (any, error) {
		ends[c.GetHeader("X-End")]()
		return nil, problem.New(problem.Conflict, "probe.fault", "It went wrong")
	}
	for _, adaptive := range []string{"false", "true"} {
		app := probed(t, map[string]module.Handler{"OpenGet": handler, "NarrowGet": handler}, testapp.Options{Set: []string{
			"http.concurrency.limit=1", "http.concurrency.queue=0", "http.concurrency.adaptive=" + adaptive,
		}})
		for end := range ends {
			for _, path := range []string{"/api/v1/probe/open", "/api/v1/probe/narrow"} {
				func() {
					defer func() { _ = recover() }()
					app.Do(t, testapp.Call{Path: path, Header: map[string]string{"X-End": end}})
				}()
				app.Want(t, http.StatusOK, testapp.Call{Path: "/docs"})
			}
		}
	}
}

func TestAnOperationHasLimitsOfItsOwn(t *testing.T) {
	t.Parallel()
	h := newHeld()
	app := probed(t, map[string]module.Handler{
		"NarrowGet": h.handle,
		"NarrowPost": func(c *gin.Context, _ any) (any, error) {
			<-c.Request.Context().Done()
			return nil, c.Request.Context().Err()
		},
	}, testapp.Options{Set: []string{"http.concurrency.queue_timeout=10ms"}})

	t.Run("x-concurrency", func(t *testing.T) {
		first := make(chan testapp.Answer, 1)
		go func() { first <- app.Do(t, testapp.Call{Path: "/api/v1/probe/narrow"}) }()
		<-h.entered
		require.Equal(t, "request.overloaded", app.Want(t, http.StatusServiceUnavailable, testapp.Call{Path: "/api/v1/probe/narrow"}).Code(t))
		require.Equal(t, "1", metric(t, app, `platform_http_overload_refused_total{gate="operation narrowGet",reason="timeout"}`))
		app.Want(t, http.StatusNoContent, testapp.Call{Path: "/api/v1/probe/open"})
		close(h.release)
		require.Equal(t, http.StatusNoContent, (<-first).Status)
	})
	t.Run("x-timeout", func(t *testing.T) {
		answer := app.Want(t, http.StatusServiceUnavailable, testapp.Call{Method: "POST", Path: "/api/v1/probe/narrow", Body: "{}"})
		require.Equal(t, "request.timeout", answer.Code(t))
	})
	t.Run("x-max-body", func(t *testing.T) {
		answer := app.Want(t, http.StatusRequestEntityTooLarge, testapp.Call{Method: "POST", Path: "/api/v1/probe/narrow", Body: `{"text":"` + strings.Repeat("x", 100) + `"}`})
		require.Equal(t, "At most 64 bytes are accepted.", problemOf(t, answer).Detail)
		body := `{"text":"` + strings.Repeat("x", 11<<20) + `"}`
		app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Method: "POST", Path: "/api/v1/probe/wide", Body: body})
		app.Want(t, http.StatusRequestEntityTooLarge, testapp.Call{Method: "POST", Path: "/api/v1/probe/open", Body: body})
	})
}

func TestBrowsersAreToldWhichPagesMayAsk(t *testing.T) {
	t.Parallel()
	const ours = "https://app.example.com"
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"http.cors.allowed_origins=" + ours, "http.cors.max_age=1m"}})
	ask := func(origin string) map[string]string {
		return map[string]string{"Origin": origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "x-evil", "X-Request-ID": "r-pre"}
	}
	for _, path := range []string{"/api/v1/me", "/api/v1/auth/login", "/version", "/nowhere"} {
		r := httptest.NewRequest(http.MethodOptions, path, nil)
		for name, value := range ask(ours) {
			r.Header.Set(name, value)
		}
		answer := httptest.NewRecorder() // no contract has an answer to OPTIONS
		app.ServeHTTP(answer, r)
		require.Equal(t, http.StatusNoContent, answer.Code, path)
		require.Empty(t, answer.Body)
		require.Equal(t, ours, answer.Header().Get("Access-Control-Allow-Origin"))
		require.Contains(t, answer.Header().Get("Access-Control-Allow-Methods"), "PATCH")
		require.Contains(t, answer.Header().Get("Access-Control-Allow-Headers"), "Authorization")
		require.NotContains(t, answer.Header().Get("Access-Control-Allow-Headers"), "evil")
		require.Equal(t, "60", answer.Header().Get("Access-Control-Max-Age"))
		require.Contains(t, answer.Header().Get("Vary"), "Origin")
	}
	require.NotEmpty(t, logged(app, "request", "r-pre"))

	answer := app.Want(t, http.StatusUnauthorized, testapp.Call{Path: "/api/v1/me", Header: map[string]string{"Origin": ours}})
	require.Equal(t, ours, answer.Header.Get("Access-Control-Allow-Origin"), "a page can read why it was refused")
	require.Equal(t, "Origin", answer.Header.Get("Vary"))
	for _, origin := range []string{"https://evil.example", "null", "https://app.example.com.evil.example"} {
		answer := app.Want(t, http.StatusMethodNotAllowed, testapp.Call{Method: "OPTIONS", Path: "/api/v1/me", Header: ask(origin)})
		require.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "Origin", answer.Header.Get("Vary"))
		require.Empty(t, app.Do(t, testapp.Call{Path: "/version", Header: map[string]string{"Origin": origin}}).Header.Get("Access-Control-Allow-Origin"))
	}

	none := testapp.New(t, modules.All())
	answer = none.Want(t, http.StatusMethodNotAllowed, testapp.Call{Method: "OPTIONS", Path: "/api/v1/me", Header: ask(ours)})
	require.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, answer.Header.Get("Vary"))
}
