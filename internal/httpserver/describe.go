package httpserver

import (
	"reflect"
	"regexp"
	"runtime"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/debug"
)

// Described is what is served and what a request passes on its way, for the operator.
func (s *Server) Described() []debug.Route {
	passes := map[string][]string{}
	for _, op := range s.ops {
		passes[op.Method+" "+op.Path] = op.passes
	}
	all := make([]debug.Route, len(s.ops))
	for i, r := range s.Routes() {
		all[i] = debug.Route{
			Module: r.Module, Method: r.Method, Path: r.Path, Access: accesses[r.Access], Permission: string(r.Permission), Entitlement: string(r.Entitlement),
			Middleware: passes[r.Method+" "+r.Path],
		}
	}
	return all
}

var accesses = map[contract.Access]string{
	contract.Denied: "denied", contract.Public: "public", contract.Authenticated: "authenticated", contract.Permitted: "permission",
}

// A middleware has the name of the function that it is, or of the one that made it: "(*Server).authorized.func2".
var middlewareName = regexp.MustCompile(`([A-Za-z_]\w*)(?:-fm|(?:\.func\d+)+(?:\.\d+)*)?$`)

// unnamed does nothing with the request: what only says which operation it is, and the place of a middleware that is off.
var unnamed = map[string]bool{"called": true, "Next": true}

// names says what a chain is made of, in the words of the code; what modules contribute has names of its own.
func names(chain []gin.HandlerFunc, contributed []string) []string {
	all := make([]string, 0, len(chain))
	for _, fn := range chain {
		match := middlewareName.FindStringSubmatch(runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name())
		if len(match) > 1 && !unnamed[match[1]] {
			name := match[1]
			if name == "contributed" {
				name, contributed = contributed[0], contributed[1:]
			}
			all = append(all, name)
		}
	}
	return all
}
