package sentry_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	internalbus "github.com/yourorg/platform/internal/errorbus"
	"github.com/yourorg/platform/internal/infra/sentry"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/errorbus"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

type object = map[string]any

// got is one envelope.
type got struct {
	path, auth, kind string
	head, item, body object
	raw              string
}

// server speaks the envelope protocol. answer decides the status.
func server(t *testing.T, answer func(w http.ResponseWriter)) (dsn config.Secret, envelopes chan got) {
	t.Helper()
	envelopes = make(chan got, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := bufio.NewReader(r.Body)
		g := got{path: r.URL.Path, auth: r.Header.Get("X-Sentry-Auth"), kind: r.Header.Get("Content-Type")}
		for _, into := range []*object{&g.head, &g.item} {
			line, err := in.ReadBytes('\n')
			if err != nil || json.Unmarshal(line, into) != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
		}
		length, _ := g.item["length"].(float64)
		body := make([]byte, int(length))
		if _, err := io.ReadFull(in, body); err != nil || json.Unmarshal(body, &g.body) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		g.raw = string(body)
		if answer != nil {
			answer(w)
		}
		envelopes <- g
	}))
	t.Cleanup(s.Close)
	return config.Secret("http://the-key@" + s.Listener.Addr().String() + "/42"), envelopes
}

func sink(t *testing.T, cfg sentry.Config) *sentry.Sink {
	t.Helper()
	s, err := sentry.New(cfg, config.Production, &http.Client{})
	require.NoError(t, err)
	return s
}

func with(dsn config.Secret, change func(*sentry.Config)) sentry.Config {
	cfg := sentry.DefaultConfig()
	cfg.DSN = dsn
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func TestAReportSaysWhereAndWhatAndNothingOfWhatTheCallerSent(t *testing.T) {
	t.Parallel()
	dsn, envelopes := server(t, nil)
	user, where := uuid.New(), uuid.New()
	ctx := tenant.NewContext(auth.NewContext(t.Context(), &auth.Caller{UserID: user}), where)
	ctx = logger.NewContext(ctx, &logger.Request{ID: "r1", TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331", IP: "192.0.2.7", UserAgent: "curl"})
	bus := internalbus.New(zap.NewNop(), internalbus.NewMetrics(), sink(t, with(dsn, nil)))
	require.NoError(t, bus.Start(ctx))
	bus.Report(ctx, errorbus.Report{Source: "http", Operation: "GET /api/v1/things/:id", Err: fmt.Errorf("find ada@example.com: %w", errors.ErrUnsupported)})
	require.NoError(t, bus.Stop(ctx))
	g := <-envelopes
	require.Equal(t, "/api/42/envelope/", g.path)
	require.Contains(t, g.auth, "sentry_key=the-key")
	require.Equal(t, "application/x-sentry-envelope", g.kind)
	require.Equal(t, "event", g.item["type"])
	require.Equal(t, g.head["event_id"], g.body["event_id"])
	require.Equal(t, "production", g.body["environment"])
	require.Regexp(t, `^platform@.+`, g.body["release"])
	require.Equal(t, "GET /api/v1/things/:id", g.body["transaction"])
	require.Equal(t, object{"source": "http", "request_id": "r1", "trace_id": "0af7651916cd43dd8448eb211c80319c", "tenant_id": where.String()}, g.body["tags"])
	require.Equal(t, object{"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}, g.body["contexts"].(object)["trace"])
	require.Equal(t, "*errors.errorString", g.body["exception"].([]any)[0].(object)["type"])
	require.Equal(t, []any{"http", "GET /api/v1/things/:id", "*errors.errorString"}, g.body["fingerprint"])
	for _, private := range []string{"ada@example.com", user.String(), "192.0.2.7", "curl", "request\":{", "modules", "server_name"} {
		require.NotContains(t, g.raw, private)
	}

	s := sink(t, with(dsn, func(c *sentry.Config) { c.SendPersonalData = true }))
	require.NoError(t, s.Send(ctx, errorbus.Report{Source: "jobs", User: user, Err: fmt.Errorf("find ada@example.com")}))
	g = <-envelopes
	require.Contains(t, g.raw, "ada@example.com", "when it is asked for")
	require.Equal(t, object{"id": user.String()}, g.body["user"])
	require.NoError(t, s.Send(ctx, errorbus.Report{Source: "jobs", Err: problem.New(problem.Internal, "blog.broken", "x")}))
	require.Equal(t, "blog.broken", (<-envelopes).body["exception"].([]any)[0].(object)["type"])
}

// panicking panics, so that there is a stack.
func panicking() (stack []byte) {
	defer func() {
		_ = recover()
		stack = debug.Stack()
	}()
	panic("hunter2")
}

func TestThePanicHasItsStackFromTheOutsideInWithoutHowItWasNoticed(t *testing.T) {
	t.Parallel()
	dsn, envelopes := server(t, nil)
	require.NoError(t, sink(t, with(dsn, nil)).Send(t.Context(), errorbus.Report{Source: "jobs", Err: errors.New("panic: hunter2"), Stack: panicking()}))
	g := <-envelopes
	exception := g.body["exception"].([]any)[0].(object)
	require.Equal(t, "panic", exception["type"])
	require.Equal(t, "fatal", g.body["level"])
	all := exception["stacktrace"].(object)["frames"].([]any)
	last := all[len(all)-1].(object)
	require.Equal(t, "panicking", last["function"])
	require.Equal(t, "github.com/yourorg/platform/internal/infra/sentry_test", last["module"])
	require.Equal(t, "sentry_test.go", last["filename"])
	require.Positive(t, last["lineno"])
	require.Equal(t, true, last["in_app"])
	require.Equal(t, false, all[0].(object)["in_app"])
	require.NotContains(t, g.raw, "hunter2")
	require.NotContains(t, g.raw, "0x")
}

func TestWhatCannotBeSentIsAnErrorAndAPauseIsKept(t *testing.T) {
	t.Parallel()
	r := errorbus.Report{Source: "http", Err: errors.New("x")}
	dsn, envelopes := server(t, func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	s := sink(t, with(dsn, nil))
	require.ErrorContains(t, s.Send(t.Context(), r), "429")
	<-envelopes
	require.ErrorContains(t, s.Send(t.Context(), r), "pause")
	require.Empty(t, envelopes, "it was not asked again")

	gone := httptest.NewServer(http.NotFoundHandler())
	at := gone.Listener.Addr().String()
	gone.Close()
	err := sink(t, with(config.Secret("http://the-key@"+at+"/1"), nil)).Send(t.Context(), r)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "the-key")
}

func TestAServerThatDoesNotAnswerHoldsUpNobody(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	dsn, _ := server(t, func(http.ResponseWriter) { <-release })
	bus := internalbus.New(zap.NewNop(), internalbus.NewMetrics(), sink(t, with(dsn, nil)))
	require.NoError(t, bus.Start(t.Context()))
	for range 1000 {
		bus.Report(t.Context(), errorbus.Report{Source: "http", Err: errors.New("x")}) // would never return
	}
	begun, patient := time.Now(), time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	require.NoError(t, bus.Stop(ctx))
	require.Less(t, time.Since(begun), patient, "the stop has a limit of its own")
	close(release)
}

func TestNothingIsSentWithoutADSNOrASample(t *testing.T) {
	t.Parallel()
	r := errorbus.Report{Source: "http", Err: errors.New("x")}
	require.NoError(t, sink(t, sentry.DefaultConfig()).Send(t.Context(), r))
	dsn, envelopes := server(t, nil)
	require.NoError(t, sink(t, with(dsn, func(c *sentry.Config) { c.SampleRate = 0 })).Send(t.Context(), r))
	require.Empty(t, envelopes)
	err := sentry.Config{DSN: "https://hunter2", SampleRate: 2}.Validate()
	require.ErrorContains(t, err, "dsn must")
	require.ErrorContains(t, err, "sample_rate must")
	require.NotContains(t, err.Error(), "hunter2")
}
