package httpserver_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
)

// promised says a lot about an answer of which no byte follows.
func promised(c *gin.Context) {
	for name, value := range map[string]string{
		"Content-Length": "1000000", "Content-Encoding": "br", "Content-Disposition": "attachment", "Content-Language": "de",
		"Content-Location": "/a", "Content-Range": "bytes 0-1/2", "Accept-Ranges": "bytes", "ETag": `"a"`, "Expires": "0", "Last-Modified": "now",
		"Link": "</a>; rel=next", "Location": "/a", "Refresh": "0", "Set-Cookie": "a=b", "Trailer": "X-Sum",
	} {
		c.Header(name, value)
	}
	c.Writer.WriteHeader(http.StatusOK)
}

func TestNothingThatAHandlerSaidOfItsAnswerIsSaidOfAProblem(t *testing.T) {
	t.Parallel()
	fault := problem.New(problem.Conflict, "probe.fault", "It is not")
	app := probed(t, map[string]module.Handler{
		"OpenGet":  func(c *gin.Context, _ any) (any, error) { promised(c); panic("before the first byte") },
		"OpenPost": func(c *gin.Context, _ any) (any, error) { promised(c); return nil, fault },
	}, testapp.Options{Set: []string{"http.cors.allowed_origins=https://app.example.com"}})
	for method, want := range map[string]int{http.MethodGet: http.StatusInternalServerError, http.MethodPost: http.StatusConflict} {
		for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
			client, url := served(t, app, http2)
			r, err := http.NewRequestWithContext(t.Context(), method, url+"/api/v1/probe/open", strings.NewReader("{}"))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept-Encoding", "identity")
			r.Header.Set("Origin", "https://app.example.com")
			if method == http.MethodGet {
				r.Body, r.ContentLength = nil, 0
				r.Header.Del("Content-Type")
			}
			response, err := client.Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err, "%s over %s: it is whole", method, name)
			require.NoError(t, response.Body.Close())
			require.Equal(t, want, response.StatusCode)
			require.EqualValues(t, len(body), response.ContentLength)
			require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
			for _, gone := range []string{
				"Content-Encoding", "Content-Disposition", "Content-Language", "Content-Location", "Content-Range", "Accept-Ranges", "ETag",
				"Expires", "Last-Modified", "Link", "Location", "Refresh", "Set-Cookie", "Trailer",
			} {
				require.Empty(t, response.Header.Values(gone), "%s over %s: %s", method, name, gone)
			}
			require.NotEmpty(t, response.Header.Get("X-Request-Id"), "what the platform says stays")
			require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"))
			require.Equal(t, "https://app.example.com", response.Header.Get("Access-Control-Allow-Origin"))
			require.Contains(t, response.Header.Get("Vary"), "Origin")
		}
	}
}

// Who moves the deadline of the connection has begun to answer, although gin does not know it.
func TestAProblemIsNotTheBodyOfAnotherAnswer(t *testing.T) {
	t.Parallel()
	app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
		if err := http.NewResponseController(c.Writer).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			return nil, err
		}
		return nil, errPlain
	}})
	response, err := newClient(t).Get(app.URL + "/api/v1/probe/open")
	if err != nil {
		return // the headers had not left when the connection was given up
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.Error(t, err)
	require.NotContains(t, string(body), "problem")
	require.NotContains(t, string(body), `"code"`)
}
