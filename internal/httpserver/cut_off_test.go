package httpserver_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/module"
)

// begun answers with a part of it, and then fails.
func begun(then func() error) module.Handler {
	return func(c *gin.Context, _ any) (any, error) {
		c.String(http.StatusOK, "a part")
		c.Writer.Flush()
		return nil, then()
	}
}

// Nothing of it may look like a success, also where only few of those are logged.
func TestAnAnswerThatBreaksOffIsAFailure(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func() error{
		"a panic":                           func() error { panic("after the first byte") },
		"an error":                          func() error { return errPlain },
		"a handler that gives up by itself": func() error { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := probed(t, map[string]module.Handler{"OpenGet": begun(then)}, testapp.Options{Set: []string{"http.access_log.sample=0"}})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, app.URL+"/api/v1/probe/open", nil)
			require.NoError(t, err)
			r.Header.Set("X-Request-ID", "r-cut")
			response, err := newClient(t).Do(r)
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			require.Equal(t, http.StatusOK, response.StatusCode)
			_, err = io.ReadAll(response.Body)
			require.Error(t, err)
			require.Eventually(t, func() bool { return len(logged(app, "request", "r-cut")) == 1 }, 10*time.Second, time.Millisecond)
			line := logged(app, "request", "r-cut")[0]
			require.Equal(t, zapcore.ErrorLevel, line.Level)
			require.Equal(t, true, line.ContextMap()["cut_off"])
			require.EqualValues(t, http.StatusInternalServerError, line.ContextMap()["status"])
			require.Equal(t, "1", metric(t, app, `platform_http_requests_total{method="GET",route="/api/v1/probe/open",status="500"}`))
			require.Empty(t, metric(t, app, `platform_http_requests_total{method="GET",route="/api/v1/probe/open",status="200"}`))
		})
	}
}

func TestAClientThatHangsUpIsNoFailureButAPanicIs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		then  func() error
		level zapcore.Level
		want  int
	}{
		"an error": {func() error { return errPlain }, zapcore.InfoLevel, http.StatusOK},
		"a panic":  {func() error { panic("after the first byte") }, zapcore.ErrorLevel, http.StatusInternalServerError},
	} {
		ctx, hangUp := context.WithCancel(t.Context())
		app := probed(t, map[string]module.Handler{"OpenGet": begun(func() error { hangUp(); return tt.then() })},
			testapp.Options{Set: []string{"http.access_log.sample=0"}})
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/probe/open", nil)
		r.Header.Set("X-Request-ID", "r-gone")
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { app.ServeHTTP(httptest.NewRecorder(), r) }, name)
		lines := logged(app, "request", "r-gone")
		require.Len(t, lines, 1, name)
		require.Equal(t, tt.level, lines[0].Level, name)
		require.Equal(t, true, lines[0].ContextMap()["cut_off"], name)
		require.EqualValues(t, tt.want, lines[0].ContextMap()["status"], name)
	}
}
