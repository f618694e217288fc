package httpserver

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/cors"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/settings"
)

// maxOrigins bounds the list of a tenant.
const maxOrigins = 20

// corsOrigins are the origins that a tenant allows beside those of http.cors.allowed_origins.
var corsOrigins = settings.Strings("core.cors_origins", []string{},
	"The origins whose pages may talk to the platform at the tenant's own host, such as https://app.example.com.",
	settings.ForTenants(""), settings.MaxItems(maxOrigins), settings.Check(originsWellFormed))

func originsWellFormed(origins []string) error {
	for _, origin := range origins {
		if !cors.WellFormed(origin) {
			return fmt.Errorf("must be origins such as https://app.example.com, in lower case and without a path")
		}
	}
	return nil
}

// shared tells browsers which pages of other origins may read the answer, and answers when one asks before it sends. That
// question has no token, so that only the host can say which tenant's origins count.
func (s *Server) shared(c *gin.Context) {
	policy := s.cors.Load()
	if policy == nil {
		c.Next()
		return
	}
	header := c.Writer.Header()
	allowed := policy.Mark(header, c.Request)
	if !allowed && policy.Asks(c.Request) {
		allowed = policy.MarkFor(header, c.Request, s.originsOf(c.Request))
	}
	if allowed && cors.Preflight(c.Request) {
		policy.Answer(header)
		c.AbortWithStatus(http.StatusNoContent)
		return
	}
	answerOf(c).share(header)
	c.Next()
}

// sharing are the headers by which browsers know which pages may read an answer.
var sharing = [...]string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers", "Vary"}

// share keeps the headers for overdue, which cannot ask again what the tenant allows. They are only ever replaced, never
// written to.
func (a *answer) share(header http.Header) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, name := range sharing {
		a.shared[i] = header[name]
	}
}

// originsOf are none when they cannot be found out: a browser then keeps the answer from the page.
func (s *Server) originsOf(r *http.Request) []string {
	id, named, err := s.tenants.Named(r)
	if err == nil && named && id != uuid.Nil {
		var origins []string
		if origins, err = corsOrigins.GetFor(r.Context(), s.settings, id, uuid.Nil); err == nil {
			return origins
		}
	}
	if err != nil {
		s.log.Warn("the origins that a tenant allows cannot be read", append(logger.Scope(r.Context()), zap.Error(err))...)
	}
	return nil
}
