package httpserver

import (
	"fmt"
	"math"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/pkg/auth"
)

// factored keeps out whoever lacks the second factor that the tenant requires.
func (s *Server) factored(c *gin.Context) {
	if caller, known := auth.FromContext(c.Request.Context()); known && caller.NeedsFactor {
		s.fail(c, auth.ErrFactorRequired)
		return
	}
	c.Next()
}

// steppedUp lets pass who has authenticated recently. That it was with everything the user has is identity's to see to:
// no session of a user with a second factor has been begun, or proved anew, without it.
func (s *Server) steppedUp(c *gin.Context) {
	caller, known := auth.FromContext(c.Request.Context())
	if !known || time.Since(caller.AuthenticatedAt) > s.recent {
		seconds := int(math.Floor(s.recent.Seconds()))
		c.Set(challengeKey, fmt.Sprintf(`Bearer realm="platform", error="insufficient_user_authentication", `+
			`error_description="A more recent authentication is required", max_age=%d`, seconds)) // RFC 9470, section 3
		s.fail(c, auth.ErrStepUpRequired)
		return
	}
	c.Next()
}
