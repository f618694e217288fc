package httpserver_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
)

// stubborn is a handler that does not look at its context. It writes before it sleeps, and after it was woken up.
func stubborn(entered chan<- struct{}, wake <-chan struct{}, left chan<- error) module.Handler {
	return func(c *gin.Context, _ any) (any, error) {
		c.Header("Location", "/nowhere")
		c.Header("Content-Type", "text/plain")
		c.Writer.WriteHeader(http.StatusCreated)
		_, _ = c.Writer.WriteString(strings.Repeat("half of it ", 1000))
		entered <- struct{}{}
		<-wake
		c.Header("X-Late", "yes")
		_, err := c.Writer.WriteString("the other half")
		left <- err
		return nil, nil
	}
}

// served is the platform behind a real listener, in a version of HTTP.
func served(t *testing.T, handler http.Handler, http2 bool) (client *http.Client, url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	if http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.Client(), server.URL
}

func TestAHandlerThatIgnoresItsDeadlineHoldsNobody(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered, wake, left := make(chan struct{}, 1), make(chan struct{}), make(chan error, 1)
			app := probed(t, map[string]module.Handler{"OpenGet": stubborn(entered, wake, left)}, testapp.Options{Set: []string{
				"http.request_timeout=50ms", "http.concurrency.limit=1", "http.concurrency.queue=0", "http.cors.allowed_origins=https://app.example.com",
			}})
			client, url := served(t, app, http2)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/v1/probe/open", nil)
			require.NoError(t, err)
			r.Header.Set("X-Request-ID", "r-late")
			r.Header.Set("Origin", "https://app.example.com")
			response, err := client.Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err, "the whole answer is there while the handler still runs")
			require.NoError(t, response.Body.Close())
			<-entered
			require.Equal(t, name, response.Proto)
			require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
			require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
			require.Equal(t, "1", response.Header.Get("Retry-After"))
			require.Equal(t, "r-late", response.Header.Get("X-Request-Id"))
			require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
			require.Equal(t, "https://app.example.com", response.Header.Get("Access-Control-Allow-Origin"))
			require.Empty(t, response.Header.Get("Location"))
			require.Contains(t, string(body), `"code":"request.timeout"`)
			require.Contains(t, string(body), `"request_id":"r-late"`)
			require.NotContains(t, string(body), "half")

			require.Empty(t, logged(app, "request", "r-late"), "it is not over")
			answer := app.Want(t, http.StatusServiceUnavailable, testapp.Call{Path: "/docs"})
			require.Equal(t, "request.overloaded", answer.Code(t), "the handler still has its place")
			close(wake)
			require.ErrorIs(t, <-left, http.ErrHandlerTimeout, "what comes too late goes nowhere")
			require.Eventually(t, func() bool { return len(logged(app, "request", "r-late")) == 1 }, 10*time.Second, time.Millisecond)
			line := logged(app, "request", "r-late")[0].ContextMap()
			require.EqualValues(t, http.StatusServiceUnavailable, line["status"])
			require.Equal(t, "request.timeout", line["code"])
			require.Eventually(t, func() bool { return app.Do(t, testapp.Call{Path: "/docs"}).Status == http.StatusOK }, 10*time.Second, time.Millisecond, "the place is free again")
		})
	}
}

func TestABodyThatDoesNotComeHoldsNobody(t *testing.T) {
	t.Parallel()
	app := probed(t, nil, testapp.Options{Set: []string{"http.request_timeout=50ms"}})
	slow, feed := io.Pipe()
	defer func() { _ = feed.Close() }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+"/api/v1/probe/open", slow)
	require.NoError(t, err)
	r.ContentLength = 100
	r.Header.Set("Content-Type", "application/json")
	go func() { _, _ = feed.Write([]byte("{")) }()
	response, err := newClient(t).Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	require.Contains(t, string(body), "request.timeout")
}

func TestAPanicHalfWayHasAnsweredNothing(t *testing.T) {
	t.Parallel()
	app := probed(t, map[string]module.Handler{
		"OpenGet": func(c *gin.Context, _ any) (any, error) {
			c.Header("Content-Disposition", "attachment")
			c.String(http.StatusOK, strings.Repeat("x", 1_000_000))
			panic("half-way")
		},
		"OpenPost": func(c *gin.Context, _ any) (any, error) {
			c.String(http.StatusOK, "it is done")
			return nil, problem.New(problem.Conflict, "probe.fault", "It is not")
		},
	})
	answer := app.Want(t, http.StatusInternalServerError, testapp.Call{Path: "/api/v1/probe/open", Header: map[string]string{"X-Request-ID": "r-half"}})
	require.Equal(t, "internal", answer.Code(t))
	require.Empty(t, answer.Header.Get("Content-Disposition"))
	require.EqualValues(t, http.StatusInternalServerError, logged(app, "request", "r-half")[0].ContextMap()["status"])
	require.Equal(t, "probe.fault", app.Want(t, http.StatusConflict, testapp.Call{Method: "POST", Path: "/api/v1/probe/open", Body: "{}"}).Code(t))
}

func TestAPartOfAnAnswerIsNotTakenForTheWhole(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(c *gin.Context){
		"flushed": func(c *gin.Context) {
			c.String(http.StatusOK, "a part")
			c.Writer.Flush()
		},
		"too large to be kept back": func(c *gin.Context) { c.String(http.StatusOK, strings.Repeat("x", 3<<20)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
				write(c)
				panic("after the first byte")
			}})
			response, err := newClient(t).Get(app.URL + "/api/v1/probe/open")
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			require.Equal(t, http.StatusOK, response.StatusCode)
			_, err = io.ReadAll(response.Body)
			require.Error(t, err)
			require.Len(t, app.Log.FilterMessage("panic").All(), 1)
			app.Want(t, http.StatusOK, testapp.Call{Path: "/docs"})
		})
	}
}

func TestAnOperationMayTakeLongerThanAConnectionOtherwiseLives(t *testing.T) {
	t.Parallel()
	app := probed(t, map[string]module.Handler{"WidePost": func(c *gin.Context, _ any) (any, error) {
		long, cancel := context.WithTimeout(c.Request.Context(), 500*time.Millisecond)
		defer cancel()
		<-long.Done()
		return nil, c.Request.Context().Err()
	}}, testapp.Options{Set: []string{"http.request_timeout=100ms", "http.write_timeout=200ms", "http.read_timeout=200ms"}})
	for _, body := range []string{"", "{}"} {
		response, err := newClient(t).Post(app.URL+"/api/v1/probe/wide", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusNoContent, response.StatusCode)
	}
}

// closed is a client that must not be written to any more once it is closed.
type closed struct {
	*httptest.ResponseRecorder
	t      *testing.T
	closed atomic.Bool
}

func (c *closed) WriteHeader(status int) {
	if c.closed.Load() {
		c.t.Error("somebody answers on a connection that was given up")
	}
	c.ResponseRecorder.WriteHeader(status)
}

func TestTheDeadlineOfARequestThatWasGivenUpIsNobodys(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		app := probed(t, map[string]module.Handler{"OpenGet": func(*gin.Context, any) (any, error) { panic(http.ErrAbortHandler) }},
			testapp.Options{Set: []string{"http.request_timeout=50ms"}})
		r := httptest.NewRequest(http.MethodGet, "/api/v1/probe/open", nil)
		r.ProtoMajor = version
		w := &closed{ResponseRecorder: httptest.NewRecorder(), t: t}
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { app.ServeHTTP(w, r) })
		w.closed.Store(true)
		passed, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		<-passed.Done()
		cancel()
	}
}

func TestAStreamGoesOnAfterTheDeadline(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := make(chan struct{})
			app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
				c.Status(http.StatusOK)
				_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(time.Minute))
				_, _ = c.Writer.WriteString("one ")
				c.Writer.Flush()
				<-read
				<-c.Request.Context().Done()
				longer, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), 50*time.Millisecond) // for the timer
				defer cancel()
				<-longer.Done()
				_, _ = c.Writer.WriteString("two")
				return nil, nil
			}}, testapp.Options{Set: []string{"http.request_timeout=1s"}})
			client, url := served(t, app, http2)
			response, err := client.Get(url + "/api/v1/probe/open")
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			first := make([]byte, 4)
			_, err = io.ReadFull(response.Body, first)
			require.NoError(t, err)
			require.Equal(t, "one ", string(first), "it does not wait for the end")
			close(read)
			rest, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, "two", string(rest))
		})
	}
}
