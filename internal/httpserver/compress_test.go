package httpserver_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/compression"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
)

// decoded is the body as the handler wrote it.
func decoded(t *testing.T, coding string, body []byte) string {
	t.Helper()
	var plain io.Reader = bytes.NewReader(body)
	switch coding {
	case "gzip":
		r, err := gzip.NewReader(plain)
		require.NoError(t, err)
		plain = r
	case "zstd":
		r, err := zstd.NewReader(plain, zstd.WithDecoderMaxWindow(8<<20))
		require.NoError(t, err)
		defer r.Close()
		plain = r
	default:
		require.Empty(t, coding)
	}
	all, err := io.ReadAll(plain)
	require.NoError(t, err)
	return string(all)
}

// asked is an answer of the probe, which its contract does not know.
func asked(app http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	body := io.Reader(http.NoBody)
	r := httptest.NewRequest(method, path, body)
	if method == http.MethodPost {
		r = httptest.NewRequest(method, path, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

const browser = "gzip, deflate, br, zstd"

func TestAnswersAreCompressedForClientsThatAcceptIt(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	plain := app.Want(t, http.StatusOK, testapp.Call{Path: "/openapi.json"})
	require.Equal(t, "Accept-Encoding", plain.Header.Get("Vary"), "another client would get something else")
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "zstd": "zstd", browser: "zstd", "br": "", "gzip;q=0": "", "zstd;q=0.1, gzip;q=0.2": "gzip", "identity, gzip;q=0.5": "", "*": "zstd",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := asked(app, method, "/openapi.json", "Accept-Encoding", accept)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, want, w.Header().Get("Content-Encoding"), accept)
			require.Equal(t, []string{"Accept-Encoding"}, w.Header()["Vary"])
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			if method == http.MethodGet {
				require.Equal(t, string(plain.Body), decoded(t, want, w.Body.Bytes()), accept)
				require.True(t, want == "" || w.Body.Len() < len(plain.Body)/3)
			}
		}
	}
	require.NotEmpty(t, metric(t, app, `platform_http_compression_bytes_total{coding="gzip",when="after"}`))
}

func TestWhatIsNotCompressed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(`{"a":1},`, 500)
	say := func(body, media string, header ...string) module.Handler {
		return func(c *gin.Context, _ any) (any, error) {
			status := http.StatusOK
			for i := 0; i+1 < len(header); i += 2 {
				c.Header(header[i], header[i+1])
				if header[i] == "Content-Range" {
					status = http.StatusPartialContent
				}
			}
			c.Data(status, media, []byte(body))
			return nil, nil
		}
	}
	for name, tt := range map[string]struct {
		say    module.Handler
		accept string
		want   string
		varies bool
	}{
		"long enough":                     {say(long, "application/json"), browser, "zstd", true},
		"a problem":                       {say(long, "application/problem+json"), browser, "zstd", true},
		"short":                           {say(long[:1000], "application/json"), browser, "", false},
		"short, and not to be sent as is": {say(long[:1000], "application/json"), "gzip, identity;q=0", "gzip", true},
		"empty, and not to be sent as is": {say("", "application/json"), "gzip, identity;q=0", "", false},
		"a picture":                       {say(long, "image/png"), browser, "", false},
		"of no type":                      {say(long, ""), browser, "", false},
		"compressed already":              {say(long, "application/json", "Content-Encoding", "br"), browser, "br", false},
		"not to be changed":               {say(long, "application/json", "Cache-Control", "private, No-Transform"), browser, "", false},
		"with a cookie":                   {say(long, "application/json", "Set-Cookie", "a=b"), browser, "", false},
		"events":                          {say(long, "text/event-stream"), browser, "", false},
		"a part of a file":                {say(long, "text/plain", "Content-Range", "bytes 0-3999/5000"), browser, "", false},
		"for nobody":                      {say(long, "text/plain"), "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := probed(t, map[string]module.Handler{"OpenGet": tt.say, "OpenPost": tt.say})
			w := asked(app, http.MethodGet, "/api/v1/probe/open", "Accept-Encoding", tt.accept)
			require.Equal(t, tt.want, w.Header().Get("Content-Encoding"))
			require.Equal(t, tt.varies, strings.Contains(w.Header().Get("Vary"), "Accept-Encoding"))
			w = asked(app, http.MethodPost, "/api/v1/probe/open", "Accept-Encoding", tt.accept)
			require.NotContains(t, []string{"gzip", "zstd"}, w.Header().Get("Content-Encoding"), "public and not safe: it may hold credentials")
			w = asked(app, http.MethodGet, "/api/v1/probe/open", "Accept-Encoding", tt.accept, "Range", "bytes=0-9")
			require.NotContains(t, []string{"gzip", "zstd"}, w.Header().Get("Content-Encoding"))
		})
	}
}

func TestCompressionMayChangeWhileItRuns(t *testing.T) {
	t.Parallel()
	var live *config.Live[httpserver.Config]
	app := testapp.New(t, modules.All(), testapp.Options{Set: []string{"http.cors.allowed_origins=https://app.example.com"}, Extra: []fx.Option{fx.Populate(&live)}})
	ask := func() string {
		return asked(app, "GET", "/openapi.json", "Accept-Encoding", "gzip").Header().Get("Content-Encoding")
	}
	require.Equal(t, []string{"Origin", "Accept-Encoding"}, asked(app, "GET", "/openapi.json").Header()["Vary"])
	require.Equal(t, []string{"Origin"}, asked(app, "GET", "/nothing").Header()["Vary"], "the lines that are shared stay as they are")
	for _, change := range []func(*httpserver.Config){
		func(c *httpserver.Config) { c.Compression.MinBytes = 10 << 20 }, func(c *httpserver.Config) { c.Compression.Enabled = false },
	} {
		require.Equal(t, "gzip", ask())
		apply, err := live.Prepare(loaded{change: change})
		require.NoError(t, err)
		apply()
		require.Empty(t, ask())
		apply, err = live.Prepare(loaded{change: func(c *httpserver.Config) { c.Compression = compression.DefaultConfig() }})
		require.NoError(t, err)
		apply()
	}
}

// A strong tag names bytes, so each coding has its own; and whatever tag a client has works everywhere.
func TestACodedAnswerHasATagOfItsOwn(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	u := app.Register(t, "ada")
	var post struct{ ID string }
	app.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/blog/posts", Token: u.Token, Body: map[string]any{"title": "t", "content": strings.Repeat("content ", 500)},
	}).JSON(t, &post)
	path := "/api/v1/blog/posts/" + post.ID
	get := func(header ...string) *httptest.ResponseRecorder {
		return asked(app, http.MethodGet, path, append(header, "Authorization", "Bearer "+u.Token)...)
	}
	require.Equal(t, `"1"`, get().Header().Get("ETag"))
	require.Equal(t, `"1-gzip"`, get("Accept-Encoding", "gzip").Header().Get("ETag"))
	require.Equal(t, `"1-zstd"`, get("Accept-Encoding", browser).Header().Get("ETag"))

	for _, tt := range []struct{ accept, known, tag string }{
		{"gzip", `"1-gzip"`, `"1-gzip"`},
		{"gzip", `W/"1-gzip"`, `"1-gzip"`}, // a proxy may have weakened it
		{browser, `"0", "1-gzip"`, `"1-gzip"`},
		{browser, `"1-gzip", "1-zstd"`, `"1-zstd"`},
		{browser, `"1"`, `"1"`}, // from before it accepted any
		{"gzip", `*`, `"1"`},
		{"", `"1"`, `"1"`},
	} {
		w := get("Accept-Encoding", tt.accept, "If-None-Match", tt.known)
		require.Equal(t, http.StatusNotModified, w.Code, tt)
		require.Equal(t, tt.tag, w.Header().Get("ETag"), tt)
		require.Contains(t, w.Header().Get("Vary"), "Accept-Encoding")
		require.Empty(t, w.Header().Get("Content-Encoding"))
		require.Empty(t, w.Body.Bytes())
	}
	for _, tt := range []struct{ accept, known, tag string }{
		{"", `"1-gzip"`, `"1"`}, // it could not read what it has
		{"gzip;q=0", `"1-gzip"`, `"1"`},
		{"gzip", `"1-zstd"`, `"1-gzip"`},
		{"gzip", `"0-gzip"`, `"1-gzip"`},
	} {
		w := get("Accept-Encoding", tt.accept, "If-None-Match", tt.known)
		require.Equal(t, http.StatusOK, w.Code, tt)
		require.Equal(t, tt.tag, w.Header().Get("ETag"), tt)
	}

	patch := func(tag, accept string) testapp.Answer {
		return app.Do(t, testapp.Call{
			Method: "PATCH", Path: path, Token: u.Token, Body: map[string]any{"title": tag}, Header: map[string]string{"If-Match": tag, "Accept-Encoding": accept},
		})
	}
	require.Equal(t, http.StatusPreconditionFailed, patch(`"0-gzip"`, "").Status)
	require.Equal(t, http.StatusPreconditionFailed, patch(`W/"1-gzip"`, "").Status, "a weak tag says nothing about bytes")
	require.Equal(t, http.StatusOK, patch(`"1-gzip"`, "").Status, "it is the same version of the post")
	require.Equal(t, http.StatusOK, patch(`"7", "2-zstd"`, "").Status)
}

func TestAReplayedAnswerIsCompressedForWhoAsksNow(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	u := app.Register(t, "ada")
	send := func(accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/api/v1/blog/posts", strings.NewReader(`{"title":"t","content":"`+strings.Repeat("content ", 500)+`"}`))
		for name, value := range map[string]string{
			"Content-Type": "application/json", "Authorization": "Bearer " + u.Token, "Idempotency-Key": "k-1", "Accept-Encoding": accept,
		} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		require.Equal(t, http.StatusCreated, w.Code)
		return w
	}
	first := send("gzip")
	require.Equal(t, "gzip", first.Header().Get("Content-Encoding"))
	require.Equal(t, `"1-gzip"`, first.Header().Get("ETag"))
	body := decoded(t, "gzip", first.Body.Bytes())
	for accept, tag := range map[string]string{"": `"1"`, "zstd": `"1-zstd"`} {
		again := send(accept)
		require.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
		require.Equal(t, accept, again.Header().Get("Content-Encoding"))
		require.Equal(t, tag, again.Header().Get("ETag"))
		require.Equal(t, body, decoded(t, accept, again.Body.Bytes()))
	}
}

func TestWhatIsTakenBackLeavesNoCodingBehind(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("half of it ", 1000)
	app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
		c.Header("ETag", `"1"`)
		c.String(http.StatusOK, long)
		if c.GetHeader("X-Late") != "" {
			for {
				if _, err := c.Writer.WriteString(""); err != nil { // somebody has answered
					return nil, err
				}
				runtime.Gosched()
			}
		}
		panic("half-way")
	}}, testapp.Options{Set: []string{"http.request_timeout=500ms"}})
	for late, status := range map[string]int{"": http.StatusInternalServerError, "yes": http.StatusServiceUnavailable} {
		w := asked(app, "GET", "/api/v1/probe/open", "Accept-Encoding", "gzip", "X-Late", late)
		require.Equal(t, status, w.Code)
		require.Empty(t, w.Header().Get("Content-Encoding"))
		require.Empty(t, w.Header().Get("ETag"))
		require.Contains(t, w.Body.String(), `"code"`)
	}
}

// streamed asks over a socket, and leaves the body as it comes.
func streamed(t *testing.T, handler http.Handler, http2 bool, coding string) *http.Response {
	t.Helper()
	client, url := served(t, handler, http2)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/v1/probe/open", nil)
	require.NoError(t, err)
	r.Header.Set("Accept-Encoding", coding)
	response, err := client.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(t, coding, response.Header.Get("Content-Encoding"))
	return response
}

func TestAStreamIsCompressedAsItIsWritten(t *testing.T) {
	t.Parallel()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := make(chan struct{})
			rest := strings.Repeat("and the rest ", 200_000) // more than is ever held back
			app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
				c.Header("Content-Type", "application/x-ndjson")
				_, _ = c.Writer.WriteString("one\n")
				c.Writer.Flush()
				<-read
				_, err := c.Writer.WriteString(rest)
				return nil, err
			}})
			response := streamed(t, app, http2, "gzip")
			plain, err := gzip.NewReader(response.Body)
			require.NoError(t, err)
			lines := bufio.NewReader(plain)
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "one\n", line, "it does not wait for the end")
			close(read)
			all, err := io.ReadAll(lines)
			require.NoError(t, err)
			require.Equal(t, rest, string(all))
		})
	}
}

func TestAnAnswerThatIsTooLargeToBeHeldIsCompressedAsAStream(t *testing.T) {
	t.Parallel()
	app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
		c.Header("Content-Length", "3145728")
		c.Header("Content-Type", "text/plain")
		for range 3 << 10 {
			_, _ = c.Writer.Write(bytes.Repeat([]byte("x"), 1<<10))
		}
		return nil, nil
	}})
	for _, coding := range []string{"gzip", "zstd"} {
		body, err := io.ReadAll(streamed(t, app, false, coding).Body)
		require.NoError(t, err)
		require.Less(t, len(body), 100<<10)
		require.Len(t, decoded(t, coding, body), 3<<20)
	}
}

func TestAPartOfACompressedAnswerIsNotTakenForTheWhole(t *testing.T) {
	t.Parallel()
	app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
		c.String(http.StatusOK, strings.Repeat("x", 3<<20))
		panic("after the first byte")
	}})
	for range 40 { // more than there are streams: each gives its own back
		response := streamed(t, app, false, "gzip")
		_, err := io.ReadAll(response.Body)
		require.Error(t, err)
	}
}

// Whoever opens many streams and reads none of them gets no more of the memory than the encoders there are.
func TestWithoutAFreeEncoderAnAnswerGoesOutAsItIs(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	app := probed(t, map[string]module.Handler{"OpenGet": func(c *gin.Context, _ any) (any, error) {
		c.String(http.StatusOK, "one")
		c.Writer.Flush()
		<-release
		return nil, nil
	}}, testapp.Options{Set: []string{"http.request_timeout=10m", "http.write_timeout=20m"}})
	client, url := served(t, app, false)
	client.Timeout = time.Minute
	codings := map[string]int{}
	for range 34 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/v1/probe/open", nil)
		require.NoError(t, err)
		r.Header.Set("Accept-Encoding", "gzip")
		response, err := client.Do(r)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		require.Equal(t, "Accept-Encoding", response.Header.Get("Vary"))
		codings[response.Header.Get("Content-Encoding")]++
	}
	require.Equal(t, map[string]int{"gzip": 32, "": 2}, codings)
	close(release)
}
