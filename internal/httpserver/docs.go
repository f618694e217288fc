package httpserver

import (
	_ "embed"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/swaggest/swgui/v5emb"
)

var (
	//go:embed docs.html
	docsPage []byte
	//go:embed docs.js
	docsScript []byte
)

// The docs page runs its own scripts only; Swagger UI sets styles on elements and embeds its pictures as data.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docs serves the bundled contract, and Swagger UI over it, from the binary alone.
func (s *Server) docs(bundle []byte) {
	s.both("/openapi.json", func(c *gin.Context) {
		c.Data(http.StatusOK, "application/json", bundle)
	})
	s.both("/docs", func(c *gin.Context) {
		c.Header("Content-Security-Policy", docsPolicy)
		c.Data(http.StatusOK, "text/html; charset=utf-8", docsPage)
	})
	assets := v5emb.New("", "/openapi.json", "/docs/assets/")
	s.both("/docs/assets/*file", func(c *gin.Context) {
		c.Header("Content-Security-Policy", docsPolicy)
		c.Header("Cache-Control", "public, max-age=3600")
		switch c.Param("file") {
		case "/docs.js":
			c.Data(http.StatusOK, "text/javascript; charset=utf-8", docsScript)
		case "/swagger-ui.css", "/swagger-ui-bundle.js", "/favicon-32x32.png": // all that the page asks for
			assets.ServeHTTP(c.Writer, c.Request)
		default:
			s.fail(c, errRouteUnknown)
		}
	})
}

// measured serves what the process counts. Whoever watches an overload must not wait in its queue.
func (s *Server) measured(metrics http.Handler) {
	chain := append(s.front(&mounted{unqueued: true}), func(c *gin.Context) { metrics.ServeHTTP(c.Writer, c.Request) })
	s.engine.GET("/metrics", chain...)
	s.engine.HEAD("/metrics", chain...)
}

// both serves HEAD wherever it serves GET.
func (s *Server) both(path string, h gin.HandlerFunc) {
	chain := append(s.front(nil), h)
	s.engine.GET(path, chain...)
	s.engine.HEAD(path, chain...)
}
