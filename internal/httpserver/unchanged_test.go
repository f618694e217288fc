package httpserver_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
)

func TestWhatTheClientHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	u := app.Register(t, "ada")
	var post struct{ ID string }
	app.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/blog/posts", Token: u.Token, Body: map[string]any{"title": "t", "content": "c"},
	}).JSON(t, &post)
	get := testapp.Call{Path: "/api/v1/blog/posts/" + post.ID, Token: u.Token}
	whole := app.Want(t, http.StatusOK, get)
	tag := whole.Header.Get("ETag")
	require.NotEmpty(t, tag)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, known := range []string{tag, "*", "W/" + tag, `"0", ` + tag} {
			get.Method, get.Header = method, map[string]string{"If-None-Match": known}
			answer := app.Want(t, http.StatusNotModified, get)
			require.Empty(t, answer.Body, known)
			require.Equal(t, tag, answer.Header.Get("ETag"))
			require.Equal(t, whole.Header.Get("Cache-Control"), answer.Header.Get("Cache-Control"))
			require.Empty(t, answer.Header.Get("Content-Type"))
		}
		for _, known := range []string{`"0"`, "", "nothing"} {
			get.Header = map[string]string{"If-None-Match": known}
			require.Equal(t, whole.Header.Get("Content-Type"), app.Want(t, http.StatusOK, get).Header.Get("Content-Type"), known)
		}
	}
	get.Method = http.MethodGet
	app.Want(t, http.StatusOK, testapp.Call{
		Method: "PATCH", Path: get.Path, Token: u.Token, Body: map[string]any{"title": "u"}, Header: map[string]string{"If-Match": tag},
	})
	get.Header = map[string]string{"If-None-Match": tag}
	require.NotEqual(t, tag, app.Want(t, http.StatusOK, get).Header.Get("ETag"))

	get.Header = map[string]string{"If-None-Match": "*"}
	for status, path := range map[int]string{http.StatusNotFound: "/api/v1/blog/posts/" + u.ID.String(), http.StatusOK: "/api/v1/me/mfa"} {
		get.Path = path
		require.NotEmpty(t, app.Want(t, status, get).Body, "only a success with an ETag counts")
	}
	get.Path, get.Token = "/api/v1/blog/posts/"+post.ID, app.Register(t, "eve").Token
	app.Want(t, http.StatusNotFound, get)
}

func TestOnlyASuccessCanBeUnchanged(t *testing.T) {
	t.Parallel()
	answers := func(then func(c *gin.Context) error) module.Handler {
		return func(c *gin.Context, _ any) (any, error) {
			c.Writer.Header().Set("ETag", `"1"`)
			return nil, then(c)
		}
	}
	for name, tt := range map[string]struct {
		then func(c *gin.Context) error
		want int
		body string
	}{
		"nothing but a header": {func(*gin.Context) error { return nil }, http.StatusNoContent, ""},
		"a body without a status": {func(c *gin.Context) error {
			_, err := c.Writer.WriteString("text")
			_, again := c.Writer.Write([]byte("text"))
			c.Writer.Flush()
			return errors.Join(err, again)
		}, http.StatusNotModified, ""},
		"a part of it": {func(c *gin.Context) error {
			c.Writer.WriteHeader(http.StatusPartialContent)
			_, err := c.Writer.WriteString("te")
			return err
		}, http.StatusPartialContent, "te"},
		"a problem": {func(*gin.Context) error { return problem.New(problem.NotFound, "probe.gone", "Gone") }, http.StatusNotFound, "probe.gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := probed(t, map[string]module.Handler{"OpenGet": answers(tt.then)})
			r := httptest.NewRequest(http.MethodGet, "/api/v1/probe/open", http.NoBody)
			r.Header.Set("If-None-Match", `"1"`)
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r)
			require.Equal(t, tt.want, w.Code)
			require.Contains(t, w.Body.String(), tt.body)
			if tt.body == "" {
				require.Empty(t, w.Body.String())
			}
		})
	}
}
