package httpserver_test

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/web"
)

// lane is a module with middleware; its handler is a test's.
type lane struct {
	handler  gin.HandlerFunc
	contract string
	options  []fx.Option
}

func (lane) Name() string      { return "lane" }
func (lane) Migrations() fs.FS { return nil }

func (lane) Manifest() []byte {
	return []byte(`
name: lane
version: 1.0.0
description: Requests with something in their way.
prefixes: [/api/v1/lane]
permissions:
  - {name: lane.thing.change, description: Change a thing., roles: [owner]}
`)
}

const laneContract = `
openapi: 3.0.3
info: {title: Lane, version: 1.0.0}
paths:
  /api/v1/lane/open:
    get: {operationId: openLane, security: [], responses: {"204": {description: Done}, "200": {description: Done, content: {text/plain: {schema: {type: string}}}}}}
  /api/v1/lane/probe:
    get: {operationId: probeLane, security: [], x-rate-limit: none, responses: {"200": {description: Done, content: {text/plain: {schema: {type: string}}}}}}
  /api/v1/lane/things/{id}:
    post:
      operationId: changeLane
      x-permission: lane.thing.change
      x-middleware: [lane.second, lane.first]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, additionalProperties: false, required: [n], properties: {n: {type: integer}}}}}
      responses: {"200": {description: Done, content: {text/plain: {schema: {type: string}}}}}
`

func (l lane) Init() fx.Option {
	contract := l.contract
	if contract == "" {
		contract = strings.ReplaceAll(laneContract, "      x-middleware: [lane.second, lane.first]\n", "")
	}
	return fx.Options(fx.Provide(func() lane { return l }), fx.Options(l.options...), module.Routes([]byte(contract), func(l lane) module.Mount {
		return func(r gin.IRouter, _ module.Around, _ func(*gin.Context, error)) {
			r.GET("/api/v1/lane/open", l.handler)
			r.GET("/api/v1/lane/probe", l.handler)
			r.POST("/api/v1/lane/things/:id", l.handler)
		}
	}))
}

// between is a middleware of a type of its own for each K.
type between[K any] struct {
	name string
	wrap func(http.Handler) http.Handler
}

func (b between[K]) Name() string                        { return b.name }
func (b between[K]) Wrap(next http.Handler) http.Handler { return b.wrap(next) }

func put[K any](at web.Position, name string, wrap func(http.Handler) http.Handler) fx.Option {
	return fx.Options(fx.Supply(between[K]{name, wrap}), module.Middleware[between[K]](at))
}

// well is a handler that writes as gin lets it.
func well(c *gin.Context) { c.String(http.StatusOK, "well") }

func laned(t testing.TB, l lane) *testapp.App {
	t.Helper()
	return testapp.New(t, append(modules.All(), l))
}

func thingCall(token, body string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/lane/things/7", Token: token, Body: body}
}

func TestMiddlewareStandsWhereItIsPut(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var met []string
	meets := func(what string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen := what
				if logger.FromContext(r.Context()).ID != "" {
					seen += " id"
				}
				if caller, ok := auth.FromContext(r.Context()); ok {
					id, _ := tenant.FromContext(r.Context())
					require.Equal(t, caller.TenantID, id)
					seen += " caller"
				}
				mu.Lock()
				met = append(met, seen)
				mu.Unlock()
				next.ServeHTTP(w, r)
			})
		}
	}
	app := laned(t, lane{handler: well, contract: laneContract, options: []fx.Option{
		put[[9]int](web.PerAnyOperation, "lane.second", meets("second")),
		put[[8]int](web.PerOperation, "lane.first", meets("first")),
		put[[7]int](web.PerOperation, "lane.unasked", meets("unasked")),
		put[[4]int](web.AfterValidation, "lane.d", meets("validated")),
		put[[3]int](web.BeforeValidation, "lane.c", meets("allowed")),
		put[[2]int](web.AfterTenant, "lane.b", meets("tenant")),
		put[[1]int](web.AfterLog, "lane.b2", meets("log 2")),
		put[[0]int](web.AfterLog, "lane.b1", meets("log 1")),
	}})
	owner := app.Register(t, "ann")
	walk := func(status int, c testapp.Call) []string {
		met = nil
		app.Want(t, status, c)
		return met
	}
	outside := []string{"log 1 id", "log 2 id"}
	require.Equal(t, append(outside, "tenant id caller", "allowed id caller", "validated id caller", "second id caller", "first id caller"),
		walk(200, thingCall(owner.Token, `{"n": 1}`)))
	require.Equal(t, append(outside, "tenant id caller", "allowed id caller"), walk(422, thingCall(owner.Token, `{"n": "x"}`)))
	require.Equal(t, outside, walk(401, thingCall("", `{"n": 1}`)))
	require.Equal(t, append(outside, "tenant id", "allowed id", "validated id"), walk(200, testapp.Call{Path: "/api/v1/lane/open"}))
	require.Empty(t, walk(200, testapp.Call{Path: "/api/v1/lane/probe"}), "probes are never refused")
	require.Empty(t, walk(404, testapp.Call{Path: "/api/v1/lane/nowhere"}))

	for _, route := range app.Server.Described() {
		if route.Path == "/api/v1/lane/things/{id}" {
			require.Equal(t, []string{
				"recovered", "identified", "observed", "secured", "admitted", "shared", "limited", "timed", "lane.b1", "lane.b2", "authenticated",
				"paced", "counted", "factored", "lane.b", "authorized", "lane.c", "validated", "lane.d", "lane.second", "lane.first",
			}, withoutGuard(route.Middleware))
		}
	}
}

func withoutGuard(names []string) []string {
	var rest []string
	for _, name := range names {
		if name != "guarded" {
			rest = append(rest, name)
		}
	}
	return rest
}

type colour struct{}

// marked puts a writer around its own, as standard middleware does.
type marked struct {
	http.ResponseWriter
	status int
	body   strings.Builder
}

func (m *marked) WriteHeader(status int) {
	m.status = status
	m.Header().Set("X-Marked", http.StatusText(status))
	m.ResponseWriter.WriteHeader(status)
}

func (m *marked) Write(b []byte) (int, error) {
	m.body.Write(b)
	return m.ResponseWriter.Write([]byte(strings.ToUpper(string(b))))
}

func TestMiddlewareChangesTheContextAndTheAnswer(t *testing.T) {
	t.Parallel()
	var seen *marked
	app := laned(t, lane{
		handler: func(c *gin.Context) {
			require.Equal(t, "red", c.Request.Context().Value(colour{}))
			require.Equal(t, "GET /api/v1/lane/open", c.Request.Pattern)
			switch c.GetHeader("X-Kind") {
			case "silent":
				c.Status(http.StatusNoContent)
			case "panic":
				_, _ = c.Writer.WriteString("half")
				panic("mine")
			default:
				well(c)
			}
		},
		options: []fx.Option{put[int](web.AfterLog, "lane.mark", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = &marked{ResponseWriter: w}
				next.ServeHTTP(seen, r.WithContext(context.WithValue(r.Context(), colour{}, "red")))
				require.NotZero(t, seen.status, "it hears of the answer before next returns")
			})
		})},
	})
	get := func(kind string) testapp.Call {
		return testapp.Call{Path: "/api/v1/lane/open", Header: map[string]string{"X-Kind": kind}}
	}
	answer := app.Want(t, http.StatusOK, get(""))
	require.Equal(t, "WELL", string(answer.Body))
	require.Equal(t, "well", seen.body.String())
	require.Equal(t, "OK", answer.Header.Get("X-Marked"))

	answer = app.Want(t, http.StatusNoContent, get("silent"))
	require.Equal(t, "No Content", answer.Header.Get("X-Marked"))

	answer = app.Want(t, http.StatusInternalServerError, get("panic"))
	require.Equal(t, "internal", answer.Code(t), "a half answer is taken back")
}

var errPaused = problem.New(problem.Unavailable, "lane.paused", "The lane is closed").After(7 * time.Second)

func TestMiddlewareRefusesWithAProblem(t *testing.T) {
	t.Parallel()
	app := laned(t, lane{
		handler: func(*gin.Context) { t.Error("the handler was called") },
		options: []fx.Option{put[int](web.AfterTenant, "lane.pause", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.URL.Path, "/api/v1/lane") {
					next.ServeHTTP(w, r)
					return
				}
				switch r.Header.Get("X-Kind") {
				case "own":
					w.WriteHeader(http.StatusNoContent)
				case "wrapped":
					web.Fail(&marked{ResponseWriter: w}, r, errPaused)
				case "plain":
					web.Fail(w, r, errPlain)
				default:
					web.Fail(w, r, errPaused)
				}
			})
		})},
	})
	kind := func(kind string) testapp.Call {
		return testapp.Call{Path: "/api/v1/lane/open", Header: map[string]string{"X-Kind": kind, "X-Request-ID": "r-" + kind}}
	}
	answer := app.Want(t, http.StatusServiceUnavailable, kind("problem"))
	p := problemOf(t, answer)
	require.Equal(t, "lane.paused", p.Code)
	require.Equal(t, "r-problem", p.RequestID)
	require.Equal(t, "7", answer.Header.Get("Retry-After"))
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))

	require.Empty(t, app.Want(t, http.StatusNoContent, kind("own")).Body, "an answer of its own counts")

	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/api/v1/lane/open", http.NoBody)
	r.Header.Set("X-Kind", "wrapped")
	app.ServeHTTP(w, r)
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Contains(t, w.Body.String(), "LANE.PAUSED", "the problem passes its writer")

	answer = app.Want(t, http.StatusInternalServerError, kind("plain"))
	requireDiscreet(t, answer)
	require.Len(t, logged(app, "unexpected error", "r-plain"), 1)

	owner := app.Register(t, "ann")
	app.Want(t, http.StatusServiceUnavailable, thingCall(owner.Token, `{"n": 1}`))
	var trail struct {
		Items []struct{ Permission, Outcome string }
	}
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/audit/events?permission=lane.thing.change", Token: owner.Token}).JSON(t, &trail)
	require.Len(t, trail.Items, 1)
	require.Equal(t, "failed", trail.Items[0].Outcome, "what was refused is in the trail")
}

func TestMiddlewareThatMakesAMistakeIs500(t *testing.T) {
	t.Parallel()
	app := laned(t, lane{
		handler: well,
		options: []fx.Option{put[int](web.BeforeValidation, "lane.wrong", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.Header.Get("X-Kind") {
				case "panics":
					panic("mine")
				case "foreign":
					next.ServeHTTP(w, r.WithContext(context.Background()))
				case "twice":
					next.ServeHTTP(w, r)
					next.ServeHTTP(w, r)
				}
			})
		})},
	})
	for kind, want := range map[string]struct {
		status         int
		message, fault string
	}{
		"panics":  {500, "panic", "panic: mine"},
		"neither": {500, "unexpected error", "middleware lane.wrong has neither called next nor answered"},
		"twice":   {200, "unexpected error", "middleware lane.wrong has called next a second time"},
	} {
		answer := app.Want(t, want.status, testapp.Call{Path: "/api/v1/lane/open", Header: map[string]string{"X-Kind": kind, "X-Request-ID": "r-" + kind}})
		lines := logged(app, want.message, "r-"+kind)
		require.Len(t, lines, 1, kind)
		require.Contains(t, lines[0].ContextMap()["error"], want.fault, kind)
		if want.status == 200 {
			require.Equal(t, "well", string(answer.Body))
		}
	}
	app.Want(t, 500, testapp.Call{Path: "/api/v1/lane/open", Header: map[string]string{"X-Kind": "foreign", "X-Request-ID": "r-foreign"}})
	require.NotEmpty(t, logged(app, "unexpected error", "r-foreign"), "it has called no next that there is")
}

func TestTheBodyIsReadAgainBehindAMiddlewareThatReadsIt(t *testing.T) {
	t.Parallel()
	app := laned(t, lane{
		handler: func(c *gin.Context) {
			read, _ := io.ReadAll(c.Request.Body)
			c.String(http.StatusOK, "%s", read)
		},
		options: []fx.Option{put[int](web.AfterValidation, "lane.reader", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				read, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				w.Header().Set("X-Read", string(read))
				r.Body = io.NopCloser(strings.NewReader(`{"n": "unchecked"}`))
				next.ServeHTTP(w, r)
			})
		})},
	})
	answer := app.Want(t, http.StatusOK, thingCall(app.Register(t, "ann").Token, `{"n": 1}`))
	require.Equal(t, `{"n": 1}`, answer.Header.Get("X-Read"))
	require.Equal(t, `{"n": 1}`, string(answer.Body))
}

// TestStandardMiddlewareThatDoesNotWaitIsWaitedFor holds http.TimeoutHandler, which leaves its next behind in a goroutine,
// against gin's contexts, which are used again.
func TestStandardMiddlewareThatDoesNotWaitIsWaitedFor(t *testing.T) {
	t.Parallel()
	var begun, ended atomic.Int64
	app := laned(t, lane{
		handler: func(c *gin.Context) {
			begun.Add(1)
			<-c.Request.Context().Done()
			ended.Add(1)
		},
		options: []fx.Option{put[int](web.AfterLog, "lane.timeout", func(next http.Handler) http.Handler {
			return http.TimeoutHandler(next, 20*time.Millisecond, "too slow")
		})},
	})
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/lane/open", http.NoBody))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "too slow", w.Body.String())
	require.Equal(t, begun.Load(), ended.Load(), "a handler that has begun has returned before the request ends")
}
