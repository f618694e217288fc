package httpserver

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Layers are the names of what a request passes on its way to an operation, and what serves it through the first n of them.
func (s *Server) Layers(id string, handler gin.HandlerFunc) (passes []string, upTo func(n int) http.Handler) {
	for _, op := range s.ops {
		if op.ID != id {
			continue
		}
		chain := s.chain(op)
		return layers(chain), func(n int) http.Handler {
			e := newEngine()
			e.Handle(op.Method, op.Route(), append(chain[:n:n], handler)...)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				a := answers.Get().(*answer)
				a.server, a.w, a.r = s, w, r
				e.ServeHTTP(a, r)
				a.finish()
				a.reuse()
			})
		}
	}
	return nil, nil
}

// layers also names what is not shown to operators.
func layers(chain []gin.HandlerFunc) []string {
	all := make([]string, len(chain))
	for i := range chain {
		if name := names(chain[i:i+1], nil); len(name) > 0 {
			all[i] = name[0]
		} else {
			all[i] = "off"
		}
	}
	return all
}
