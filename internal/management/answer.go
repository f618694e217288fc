package management

import (
	"net"
	"net/http"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/problemdoc"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/problem"
)

var (
	errNothing = problem.New(problem.NotFound, "request.route_unknown", "There is nothing at this address")
	errMethod  = problem.New(problem.MethodNotAllowed, "request.method_not_allowed", "The method is not allowed here")
)

// Refuse answers with the problem in err.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := problem.From(err)
	h := w.Header()
	switch p.Kind {
	case problem.Unauthenticated:
		h.Set("WWW-Authenticate", `Bearer realm="platform"`)
	case problem.TooMany, problem.Unavailable:
		h.Set("Retry-After", problemdoc.RetryAfter(p))
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(problemdoc.Status(p.Kind))
	id := ""
	if request := logger.FromContext(r.Context()); request != nil {
		id = request.ID
	}
	_, _ = w.Write(problemdoc.New(p, r.URL.EscapedPath(), id).JSON()) // whoever has gone does not read it
}

// reading answers 405 to whatever would change something.
func reading(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			Refuse(w, r, errMethod)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// identified gives every request an id and a small body, and every answer the headers that keep browsers from it.
func identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := &logger.Request{ID: uuid.NewString(), UserAgent: r.UserAgent()}
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			request.IP = host
		}
		h := w.Header()
		h.Set("X-Request-Id", request.ID)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		r = r.WithContext(logger.NewContext(r.Context(), request))
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
