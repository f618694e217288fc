package httpserver_test

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

// ringing is a module that has a route that announces something; who hears of it asks for a job; and the job asks another server.
type ringing struct{ elsewhere string }

type rang struct{}

func (rang) Topic() string { return "probe.thing.made" }
func (rang) Version() int  { return 1 }

type ringOn struct{}

func (ringOn) Kind() string { return "probe.ring" }
func (ringOn) Version() int { return 1 }

type ringParts struct {
	fx.In
	Events event.Publisher
	Jobs   job.Enqueuer
	Out    web.Outbound
}

type ringer struct {
	with      ringParts
	elsewhere string
}

func (*ringer) Name() string { return "probe.listener" }
func (c *ringer) Subscriptions() []event.Subscription {
	return []event.Subscription{event.On(func(ctx context.Context, _ rang) error {
		_, err := c.with.Jobs.Enqueue(ctx, ringOn{})
		return err
	})}
}

func (c *ringer) Handlers() []job.Handler {
	return []job.Handler{job.On(func(ctx context.Context, _ ringOn) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.elsewhere+"/hook/a-secret-path?token=a-secret-query", http.NoBody)
		if err != nil {
			return err
		}
		answer, err := c.with.Out.Trusted().Do(r)
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.Body.Close()
	})}
}

func (ringing) Name() string      { return "probe" }
func (ringing) Migrations() fs.FS { return nil }
func (ringing) Manifest() []byte {
	return []byte("name: probe\nversion: 1.0.0\ndescription: Calls around.\nprefixes: [/api/v1/probe]\n")
}

func (p ringing) Init() fx.Option {
	contract := []byte(`
openapi: 3.0.3
info: {title: Probe, version: 1.0.0}
paths:
  /api/v1/probe/things/{id}:
    post:
      operationId: makeThing
      x-authenticated: true
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: q, in: query, schema: {type: string}}
      responses: {"204": {description: Made}}
`)
	return fx.Options(
		fx.Provide(func(with ringParts) *ringer { return &ringer{with, p.elsewhere} }),
		module.Events(event.Declare[rang]()), module.Subscribers[*ringer](), module.Workers[*ringer](),
		module.Routes(contract, func(c *ringer) module.Mount {
			return func(r gin.IRouter, around module.Around, refuse func(*gin.Context, error)) {
				handle := around("MakeThing", func(g *gin.Context, _ any) (any, error) { return nil, c.with.Events.Publish(g, rang{}) })
				r.POST("/api/v1/probe/things/:id", func(g *gin.Context) {
					if _, err := handle(g, nil); err != nil {
						refuse(g, err)
						return
					}
					g.Status(http.StatusNoContent)
				})
			}
		}),
	)
}

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

// bell is a platform with that module, another server, and a collector.
type bell struct {
	*testapp.App
	*testapp.Collector
	asked chan http.Header // what the other server was sent
}

func newBell(t *testing.T, set ...string) *bell {
	t.Helper()
	r := &bell{asked: make(chan http.Header, 10), Collector: testapp.NewCollector(t)}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, in *http.Request) { r.asked <- in.Header }))
	t.Cleanup(elsewhere.Close)
	r.App = testapp.New(t, append(modules.All(), ringing{elsewhere.URL}), testapp.Options{Set: append(r.Settings(), set...)})
	return r
}

// makes asks for a thing as part of a caller's trace, and returns what the other server was sent in the end.
func (r *bell) makes(t *testing.T, token, traceparent string) http.Header {
	t.Helper()
	r.Want(t, http.StatusNoContent, testapp.Call{
		Method: "POST", Path: "/api/v1/probe/things/a-secret-id?q=a-secret-value", Token: token,
		Header: map[string]string{"Traceparent": traceparent, "X-Request-ID": "my-request"},
	})
	select {
	case sent := <-r.asked:
		return sent
	case <-time.After(2 * time.Minute):
		require.Fail(t, "the other server was not asked")
		return nil
	}
}

func TestOneTraceLeadsFromACallerThroughTheEventAndTheJobToAnotherServer(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]func(*testing.T) []string{
		"in one process": func(*testing.T) []string { return nil },
		"over NATS":      func(t *testing.T) []string { return testbroker.All["nats"](t).Settings },
		"over Redis":     func(t *testing.T) []string { return testbroker.All["redis"](t).Settings },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newBell(t, settings(t)...)
			token := r.Register(t, "ada").Token
			sent := r.makes(t, token, "00-"+callersTrace+"-"+callersSpan+"-01")

			served := r.Span(t, callersTrace, "POST /api/v1/probe/things/:id")
			require.Equal(t, callersSpan, served.Parent)
			require.Equal(t, "SERVER", served.Kind)
			require.Equal(t, "204", served.Attributes["http.response.status_code"])
			require.Equal(t, "my-request", served.Attributes["platform.request_id"])
			require.Equal(t, "platform", served.Resource["service.name"])
			require.Equal(t, "test", served.Resource["deployment.environment.name"])

			below := func(parent testapp.Span, name, kind string) testapp.Span {
				s := r.Span(t, callersTrace, name)
				require.Equal(t, parent.ID, s.Parent, name)
				require.Equal(t, kind, s.Kind, name)
				require.False(t, s.Failed, name)
				return s
			}
			published := below(served, "publish probe.thing.made", "PRODUCER")
			handled := below(published, "process probe.thing.made", "CONSUMER")
			enqueued := below(handled, "enqueue probe.ring", "PRODUCER")
			ran := below(enqueued, "run probe.ring", "CONSUMER")
			asked := below(ran, "GET", "CLIENT")
			require.Equal(t, "00-"+callersTrace+"-"+asked.ID+"-01", sent.Get("Traceparent"))
			committed := below(served, "sql commit", "CLIENT")
			require.NotEmpty(t, committed.Attributes["db.system.name"])

			for _, s := range r.Spans() {
				if s.Name == "sql insert" && s.Trace == callersTrace {
					require.Contains(t, s.Attributes["db.query.text"], "INSERT INTO", "the shape is there")
				}
			}
			for _, secret := range []string{"a-secret-id", "a-secret-value", "a-secret-path", "a-secret-query", token} {
				require.False(t, strings.Contains(r.Raw(), secret), secret)
			}
			lines := r.Log.FilterMessage("request").FilterFieldKey("span_id").All()
			require.Equal(t, callersTrace, lines[len(lines)-1].ContextMap()["trace_id"])
			require.Equal(t, served.ID, lines[len(lines)-1].ContextMap()["span_id"])
		})
	}
}

func TestACommandToRedisIsPartOfTheRequest(t *testing.T) {
	t.Parallel()
	r := newBell(t, "redis.url=redis://"+testbroker.Redis(t).Addr+"/0", "ratelimit.timeout=5s")
	ada := r.Register(t, "ada")
	r.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: ada.Token}) // Redis knows the script from here on
	r.makes(t, ada.Token, "00-"+callersTrace+"-"+callersSpan+"-01")
	served := r.Span(t, callersTrace, "POST /api/v1/probe/things/:id")
	counted := r.Span(t, callersTrace, "redis evalsha")
	require.Equal(t, served.ID, counted.Parent)
	require.Equal(t, "CLIENT", counted.Kind)
	require.False(t, counted.Failed)
	require.Equal(t, "redis", counted.Attributes["db.system.name"])
	require.Equal(t, "evalsha", counted.Attributes["db.operation.name"])
	require.NotContains(t, r.Raw(), ada.TenantID.String()+"}", "keys are left out")
}

func TestACommandToARedisThatWasAwayIsPartOfTheRequest(t *testing.T) {
	t.Parallel()
	b := testbroker.Redis(t)
	r := newBell(t, "redis.url=redis://"+b.Addr+"/0", "ratelimit.timeout=5s")
	ada := r.Register(t, "ada")
	b.Kill()
	r.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: ada.Token})
	b.Start(t)
	const counts = "Redis counts again, for all replicas"
	require.Eventually(t, func() bool { return r.Log.FilterMessage(counts).Len() > 0 }, time.Minute, 10*time.Millisecond)
	r.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: ada.Token})
	r.makes(t, ada.Token, "00-"+callersTrace+"-"+callersSpan+"-01")
	served := r.Span(t, callersTrace, "POST /api/v1/probe/things/:id")
	require.Equal(t, served.ID, r.Span(t, callersTrace, "redis evalsha").Parent)
}

func TestWhatTheCallerDoesNotRecordIsNotRecordedUnlessItsWordDoesNotCount(t *testing.T) {
	t.Parallel()
	const unsampled = "00-" + callersTrace + "-" + callersSpan + "-00"
	r := newBell(t)
	sent := r.makes(t, r.Register(t, "ada").Token, unsampled)
	require.Equal(t, "00-"+callersTrace, sent.Get("Traceparent")[:35], "the trace goes on")
	require.True(t, strings.HasSuffix(sent.Get("Traceparent"), "-00"))
	for _, s := range r.Spans() {
		require.NotEqual(t, callersTrace, s.Trace, s.Name)
	}

	r = newBell(t, "tracing.follow_caller=false")
	r.makes(t, r.Register(t, "ada").Token, unsampled)
	r.Span(t, callersTrace, "GET")

	r = newBell(t, "tracing.follow_caller=false", "tracing.sample_ratio=0")
	sent = r.makes(t, r.Register(t, "ada").Token, "00-"+callersTrace+"-"+callersSpan+"-01")
	require.True(t, strings.HasSuffix(sent.Get("Traceparent"), "-00"))
	require.Empty(t, r.Spans())
}

// The trace id of a caller is in the log and goes along with events and jobs while nothing is traced.
func TestWithoutTracingNoSpanIsMadeAndACallersTraceIsStillLogged(t *testing.T) {
	t.Parallel()
	r := newBell(t, "tracing.enabled=false")
	sent := r.makes(t, r.Register(t, "ada").Token, "00-"+callersTrace+"-"+callersSpan+"-01")
	require.Contains(t, sent.Get("Traceparent"), callersTrace)
	lines := r.Log.FilterMessage("request").All()
	require.Equal(t, callersTrace, lines[len(lines)-1].ContextMap()["trace_id"])
	require.Zero(t, r.Log.FilterFieldKey("span_id").Len())
	require.Empty(t, r.Spans())
	require.Nil(t, logger.FromContext(t.Context()))
}

func TestTheMetricsLeadToTheTraceAndTellTheTenantsAndTheDecisionsApart(t *testing.T) {
	t.Parallel()
	r := newBell(t)
	ada := r.Register(t, "ada")
	r.makes(t, ada.Token, "00-"+callersTrace+"-"+callersSpan+"-01")
	r.Want(t, http.StatusForbidden, testapp.Call{Path: "/api/v1/ops/jobs", Token: ada.Token})
	r.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/blog/posts", Token: ada.Token})

	text := string(r.Do(t, testapp.Call{Path: "/metrics", Header: map[string]string{"Accept": "application/openmetrics-text; version=1.0.0"}}).Body)
	require.Regexp(t, `platform_http_request_duration_seconds_bucket\{method="POST",route="/api/v1/probe/things/:id",le="[^"]+"\} 1 # \{trace_id="`+callersTrace+`"\}`, text)
	require.True(t, strings.HasSuffix(text, "# EOF\n"))
	require.Contains(t, text, `platform_authz_decisions_total{outcome="denied"} 1`)
	require.Contains(t, text, `platform_authz_decisions_total{outcome="allowed"} 1`)
	require.Regexp(t, `platform_tenant_requests_total\{tenant="other"\} [3-9]`, text)
	require.Contains(t, text, `platform_cache_misses_total{cache="tokens"} 1`)
	require.Regexp(t, `platform_cache_misses_total\{cache="grants"\} [1-9]`, text)
	require.Contains(t, text, `platform_tracing_spans_dropped_total{reason="queue_full"} 0`)

	text = string(r.Do(t, testapp.Call{Path: "/metrics"}).Body)
	require.NotContains(t, text, callersTrace, "the older format has no exemplars")
}

func TestWhatWasNotInACacheIsCountedForEachCache(t *testing.T) {
	t.Parallel()
	r := newBell(t)
	ada := r.Register(t, "ada")
	var made struct{ Key string }
	r.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: "/api/v1/api-keys", Token: ada.Token, Body: map[string]any{
		"name": "robot", "permissions": []string{"blog.post.read"},
	}}).JSON(t, &made)
	for range 20 {
		r.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/settings", Token: ada.Token})
		r.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/blog/posts", Header: map[string]string{"X-API-Key": made.Key}})
	}
	text := string(r.Do(t, testapp.Call{Path: "/metrics"}).Body)
	for _, cache := range []string{"tokens", "keys", "grants", "terms", "settings"} {
		require.Regexp(t, `platform_cache_misses_total\{cache="`+cache+`"\} [1-9]\n`, text, "the first use, and not each of them")
	}
}
