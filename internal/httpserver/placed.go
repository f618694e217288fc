package httpserver

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/pkg/web"
)

var placedName = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)

// placed is what modules put between requests and handlers: by position, each sorted by name, and by name for those that
// operations ask for.
type placed struct {
	at    map[web.Position][]web.Placed
	named map[string]web.Placed
}

// place sorts what modules contribute, holds it against the modules that there are and against what the operations ask
// for, and collects all faults.
func place(c *catalog.Catalog, all []web.Placed, ops []*mounted) (placed, error) {
	p := placed{at: map[web.Position][]web.Placed{}, named: map[string]web.Placed{}}
	var errs []error
	modules, seen := map[string]bool{}, map[string]bool{}
	for _, m := range c.Manifests() {
		modules[m.Name] = true
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b web.Placed) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, one := range all {
		switch name := one.Name(); {
		case !placedName.MatchString(name) || !modules[owner(name)]:
			errs = append(errs, fmt.Errorf("middleware %q: its name must be <module>.<what>, of a module that is enabled", name))
		case seen[name]:
			errs = append(errs, fmt.Errorf("two middlewares are called %s", name))
		case one.Position == web.PerOperation, one.Position == web.PerAnyOperation:
			p.named[name] = one
		case one.Position >= web.AfterLog && one.Position <= web.AfterValidation:
			p.at[one.Position] = append(p.at[one.Position], one)
		default:
			errs = append(errs, fmt.Errorf("middleware %s: there is no position %d", name, one.Position))
		}
		seen[one.Name()] = true
	}
	for _, op := range ops {
		for _, name := range op.Middleware {
			if err := p.fits(name, op, seen[name]); err != nil {
				errs = append(errs, fmt.Errorf("%s %s (%s): x-middleware: %w", op.Method, op.Path, op.ID, err))
			}
		}
	}
	return p, errors.Join(errs...)
}

func owner(name string) string {
	module, _, _ := strings.Cut(name, ".")
	return module
}

func (p placed) fits(name string, op *mounted, exists bool) error {
	one, found := p.named[name]
	switch {
	case !exists:
		return fmt.Errorf("no module contributes %q", name)
	case !found:
		return fmt.Errorf("%s has a position of its own, which every request passes", name)
	case one.Position == web.PerOperation && owner(name) != op.module:
		return fmt.Errorf("%s is for the operations of %s", name, owner(name))
	}
	return nil
}

// pass adds what stands at a position to the chain of an operation.
func (s *Server) pass(chain []gin.HandlerFunc, at web.Position, op *mounted) []gin.HandlerFunc {
	if op.probe() { // whoever asks it wants to know whether this replica is well
		return chain
	}
	for _, one := range s.placed.at[at] {
		chain = append(chain, s.contributed(one, op))
	}
	return chain
}

// passNamed adds what the contract of an operation names.
func (s *Server) passNamed(chain []gin.HandlerFunc, op *mounted) []gin.HandlerFunc {
	for _, name := range op.Middleware {
		chain = append(chain, s.contributed(s.placed.named[name], op))
	}
	return chain
}

// contributed is a middleware in gin's form. It is wrapped once, around what continues the request in the context: standard
// middleware has one next for all requests, and gin a chain for each.
func (s *Server) contributed(one web.Placed, op *mounted) gin.HandlerFunc {
	op.placed = append(op.placed, one.Name())
	wrapped := one.Wrap(http.HandlerFunc(s.proceed))
	if wrapped == nil {
		panic(fmt.Sprintf("middleware %s wraps %s %s into nil", one.Name(), op.Method, op.Path)) // which mount reports
	}
	pattern, validated := op.Method+" "+op.Path, one.Position >= web.AfterValidation
	return func(c *gin.Context) {
		p := &passage{ResponseWriter: c.Writer, server: s, c: c, name: one.Name(), validated: validated}
		r := c.Request.WithContext(web.WithFailer(c.Request.Context(), p))
		r.Pattern = pattern
		defer p.end(c.Writer)
		wrapped.ServeHTTP(p, r)
		p.settle()
	}
}
