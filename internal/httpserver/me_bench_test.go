package httpserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// BenchmarkMe reads the caller's profile over loopback, beside bare gin that answers with the same bytes.
func BenchmarkMe(b *testing.B) {
	app := testapp.New(b, modules.All(), testapp.Options{Set: everything})
	u := app.Register(b, "bench")
	profile := app.Want(b, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: u.Token})
	bare := gin.New()
	bare.GET("/api/v1/me", func(c *gin.Context) { c.Data(http.StatusOK, "application/json", profile.Body) })
	for _, bench := range []struct {
		name    string
		handler http.Handler
	}{{"bare_gin", bare}, {"platform", app}} {
		b.Run(bench.name, func(b *testing.B) {
			server := httptest.NewServer(bench.handler)
			defer server.Close()
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL+"/api/v1/me", http.NoBody)
			require.NoError(b, err)
			r.Header.Set("Authorization", "Bearer "+u.Token)
			b.ReportAllocs()
			for b.Loop() {
				response, err := server.Client().Do(r)
				require.NoError(b, err)
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				require.Equal(b, http.StatusOK, response.StatusCode)
			}
		})
	}
}
