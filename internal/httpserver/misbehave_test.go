package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/oapi-codegen/runtime"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
)

var errPlain = errors.New("connect to 10.0.0.7: the password is hunter2")

var misbehaving = map[string]module.Handler{
	"OpenGet":    func(*gin.Context, any) (any, error) { panic("hunter2 in " + "a panic") },
	"OpenPost":   func(*gin.Context, any) (any, error) { return nil, errPlain },
	"ClosedPost": func(*gin.Context, any) (any, error) { panic(errPlain) },
}

// logged finds the lines with a message that belong to a request.
func logged(app *testapp.App, message, request string) []observer.LoggedEntry {
	var lines []observer.LoggedEntry
	for _, line := range app.Log.FilterMessage(message).All() {
		if line.ContextMap()["request_id"] == request {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	app := probed(t, misbehaving)
	answer := app.Want(t, http.StatusInternalServerError, testapp.Call{Path: "/api/v1/probe/open", Header: map[string]string{"X-Request-ID": "r-panic"}})
	p := problemOf(t, answer)
	require.Equal(t, "internal", p.Code)
	require.Equal(t, "Internal error", p.Title)
	require.Empty(t, p.Detail)
	require.Equal(t, "r-panic", p.RequestID)
	require.NotContains(t, string(answer.Body), "hunter2")
	requireDiscreet(t, answer)

	lines := logged(app, "panic", "r-panic")
	require.Len(t, lines, 1)
	require.Equal(t, "panic: hunter2 in a panic", lines[0].ContextMap()["error"])
	require.Equal(t, "GET /api/v1/probe/open", lines[0].ContextMap()["operation"])
	require.Contains(t, lines[0].ContextMap()["stack"], "misbehave_test.go")
	lines = logged(app, "request", "r-panic")
	require.Len(t, lines, 1)
	require.EqualValues(t, 500, lines[0].ContextMap()["status"])
}

// collector is a sink that keeps what it gets.
type collector chan errorbus.Report

func (collector) Name() string                                      { return "collector" }
func (c collector) Send(_ context.Context, r errorbus.Report) error { c <- r; return nil }

func TestWhatNobodyExpectedIsReported(t *testing.T) {
	t.Parallel()
	sink := make(collector, 10)
	app := probed(t, misbehaving, testapp.Options{Extra: []fx.Option{fx.Supply(sink), module.ReportsTo[collector]()}})
	const traced = "4bf92f3577b34da6a3ce929d0e0e4736"
	app.Want(t, http.StatusInternalServerError, testapp.Call{
		Path: "/api/v1/probe/open", Header: map[string]string{"X-Request-ID": "r-1", "traceparent": "00-" + traced + "-00f067aa0ba902b7-01"},
	})
	r := <-sink
	require.True(t, r.Panicked())
	require.Equal(t, []string{"http", "GET /api/v1/probe/open", "r-1", traced}, []string{r.Source, r.Operation, r.RequestID, r.TraceID})

	app.Want(t, http.StatusNotFound, testapp.Call{Path: "/api/v1/probe/nothing"}) // the caller's fault: nobody is told
	app.Want(t, http.StatusInternalServerError, testapp.Call{
		Method: "POST", Path: "/api/v1/probe/open", Body: map[string]string{}, Header: map[string]string{"X-Request-ID": "r-2"},
	})
	r = <-sink
	require.False(t, r.Panicked())
	require.ErrorIs(t, r.Err, errPlain)
	require.Equal(t, []string{"POST /api/v1/probe/open", "r-2"}, []string{r.Operation, r.RequestID})

	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	request := httptest.NewRequestWithContext(gone, http.MethodPost, "/api/v1/probe/open", strings.NewReader("{}"))
	request.Header.Set("Content-Type", "application/json")
	app.ServeHTTP(httptest.NewRecorder(), request)
	app.Want(t, http.StatusInternalServerError, testapp.Call{Path: "/api/v1/probe/open", Header: map[string]string{"X-Request-ID": "r-3"}})
	require.Equal(t, "r-3", (<-sink).RequestID, "a caller who hangs up is not reported")
}

func TestAPanicLosesTheTransactionAndKeepsTheAttempt(t *testing.T) {
	t.Parallel()
	app := probed(t, misbehaving)
	user := app.Register(t, "ada")
	before := app.Dump(t)
	app.Want(t, http.StatusInternalServerError, testapp.Call{
		Method: "POST", Path: "/api/v1/probe/closed", Token: user.Token, Header: map[string]string{"X-Request-ID": "r-panic"},
	})
	require.Equal(t, before, app.Dump(t))
	require.Equal(t, []map[string]string{{"permission": "probe.thing.change", "outcome": "failed", "actor": user.ID.String()}},
		app.Rows(t, "SELECT permission, outcome, actor FROM audit_events WHERE request_id = 'r-panic'"))
	app.Register(t, "next") // the database still writes
}

func TestAnErrorThatIsNoProblemStaysInside(t *testing.T) {
	t.Parallel()
	app := probed(t, misbehaving)
	answer := app.Want(t, http.StatusInternalServerError, testapp.Call{
		Method: "POST", Path: "/api/v1/probe/open", Body: "{}", Header: map[string]string{"X-Request-ID": "r-plain"},
	})
	require.Equal(t, "internal", answer.Code(t))
	require.NotContains(t, string(answer.Body), "hunter2")
	require.NotContains(t, string(answer.Body), "10.0.0.7")
	lines := logged(app, "request", "r-plain")
	require.Len(t, lines, 1)
	require.Contains(t, lines[0].ContextMap()["error"], errPlain.Error(), "the cause is in the log")
	require.Equal(t, "internal", lines[0].ContextMap()["code"])
}

func TestARequestThatTakesTooLong(t *testing.T) {
	t.Parallel()
	waits := func(c *gin.Context, _ any) (any, error) {
		<-c.Request.Context().Done()
		return nil, fmt.Errorf("query: %w", c.Request.Context().Err())
	}
	hides := func(c *gin.Context, _ any) (any, error) {
		<-c.Request.Context().Done()
		return nil, errPlain
	}
	app := probed(t, map[string]module.Handler{"OpenGet": waits, "OpenPost": hides}, testapp.Options{Set: []string{"http.request_timeout=20ms"}})
	for _, call := range []testapp.Call{{Path: "/api/v1/probe/open"}, {Method: "POST", Path: "/api/v1/probe/open", Body: "{}"}} {
		answer := app.Want(t, http.StatusServiceUnavailable, call)
		require.Equal(t, "request.timeout", answer.Code(t))
		require.Equal(t, "1", answer.Header.Get("Retry-After"))
		require.NotContains(t, string(answer.Body), "query")
	}
}

func TestEveryKindOfProblemHasItsStatus(t *testing.T) {
	t.Parallel()
	app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
		kind := problem.Kind(c.GetHeader("X-Kind"))
		return nil, fmt.Errorf("wrapped: %w", problem.New(kind, "probe.fault", "It went wrong").Wrap(errPlain))
	}})
	for kind, status := range map[problem.Kind]int{
		problem.Malformed: 400, problem.Unauthenticated: 401, problem.Forbidden: 403, problem.NotFound: 404, problem.MethodNotAllowed: 405,
		problem.Conflict: 409, problem.PreconditionFailed: 412, problem.TooLarge: 413, problem.UnsupportedMedia: 415, problem.Invalid: 422,
		problem.PreconditionRequired: 428, problem.TooMany: 429, problem.Internal: 500, problem.Unavailable: 503, "unheard of": 500,
	} {
		answer := app.Want(t, status, testapp.Call{Path: "/api/v1/probe/open", Header: map[string]string{"X-Kind": string(kind)}})
		require.Equal(t, "probe.fault", answer.Code(t))
		require.NotContains(t, string(answer.Body), "hunter2")
		require.Equal(t, status == 401, answer.Header.Get("WWW-Authenticate") != "")
		require.Equal(t, status == 429 || status == 503, answer.Header.Get("Retry-After") != "")
	}
}

// The contract allows integers of any size; Go does not. The generated server finds out before it calls the handler.
func TestANumberThatFitsTheContractButNotGo(t *testing.T) {
	t.Parallel()
	app := probed(t, map[string]module.Handler{"bind:OpenPost": func(c *gin.Context, _ any) (any, error) {
		var body struct {
			N int `json:"n"`
		}
		if value, ok := c.Request.Body.(interface{ ValidatedValue() any }); ok && runtime.BindJSONValue(value.ValidatedValue(), &body) == nil {
			return nil, nil
		}
		return nil, c.ShouldBindJSON(&body)
	}})
	for _, n := range []string{"99999999999999999999", "9223372036854775808", "-1e30"} {
		answer := app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Method: "POST", Path: "/api/v1/probe/open", Body: `{"n":` + n + `}`})
		require.Equal(t, "request.invalid", answer.Code(t), n)
		require.Len(t, problemOf(t, answer).Errors, 1)
		require.Equal(t, "out_of_range", problemOf(t, answer).Errors[0].Code)
		requireDiscreet(t, answer)
	}
	app.Want(t, http.StatusNoContent, testapp.Call{Method: "POST", Path: "/api/v1/probe/open", Body: `{"n":9223372036854775807}`})
}

func TestSchemaRulesAreNamed(t *testing.T) {
	t.Parallel()
	app := probed(t, nil)
	for body, want := range map[string]string{
		`{"text": "123456789"}`:     "text: too_long",
		`{"n": 1.5}`:                "n: type",
		`{"n": "1"}`:                "n: type",
		`{"n": 1e400}`:              "n: type",
		`{"small": 0}`:              "small: too_small",
		`{"small": 10}`:             "small: too_large",
		`{"ratio": "1"}`:            "ratio: type",
		`{"ratio": 1e999999999}`:    "ratio: type",
		`{"on": "true"}`:            "on: type",
		`{"at": "2026-02-03"}`:      "at: format",
		`{"list": [1, 2, 3, 4]}`:    "list: too_many",
		`{"list": [1, "x"]}`:        "list.1: type",
		`{"inner": {}}`:             "inner.a: required",
		`{"inner": {"a": 1}}`:       "inner.a: type",
		`{"inner": []}`:             "inner: type",
		`{"inner": {"a":"","b":1}}`: "inner.b: unknown",
	} {
		answer := app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Method: "POST", Path: "/api/v1/probe/open", Body: body})
		require.Equal(t, []string{want}, problemOf(t, answer).fields(), body)
	}
	for _, body := range []string{`{}`, `{"n": 1.0, "ratio": 1, "at": null, "list": []}`, `{"at": "2026-02-03T04:05:06.789+02:00"}`} {
		app.Want(t, http.StatusNoContent, testapp.Call{Method: "POST", Path: "/api/v1/probe/open", Body: body})
	}
}

func TestABrokenClientIsNotAnError(t *testing.T) {
	t.Parallel()
	app := probed(t, map[string]module.Handler{"OpenGet": func(*gin.Context, any) (any, error) { panic(http.ErrAbortHandler) }})
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/api/v1/probe/open", nil))
	}, "net/http wants to see it, to give up the connection")
	require.Empty(t, app.Log.FilterMessage("panic").All())
	require.False(t, strings.Contains(fmt.Sprint(app.Log.All()), "stack"))
}
