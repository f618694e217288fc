package httpserver

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/web"
)

// Route is one operation in service, as platformctl and the tests see it.
type Route struct {
	Module string
	contract.Operation
}

// anyID is a parameter in a path: two paths that differ in its name only are one route.
var anyID = regexp.MustCompile(`\{[^}]*\}`)

// routes reads the contracts, holds them against the catalogue and collects all faults: an operation outside its
// module's paths, one declared twice, one that names a permission or an entitlement nobody declares.
func routes(c *catalog.Catalog, apis []module.API) ([]contract.Source, []*mounted, error) {
	var errs []error
	var sources []contract.Source
	var ops []*mounted
	features := map[entitlement.Name]bool{"": true}
	for _, e := range c.Entitlements() {
		features[e.Name] = true
	}
	declared := map[perm.Permission]perm.Definition{}
	for _, p := range c.Permissions() {
		declared[p.Name] = p
	}
	seen := map[string]string{}
	for _, api := range apis {
		parsed, err := contract.Shared(api.Contract)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		owner := ""
		for _, op := range parsed.Operations {
			name, ok := c.Owner(op.Path)
			shape := op.Method + " " + anyID.ReplaceAllString(op.Path, "{}")
			switch other, twice := seen[shape]; {
			case !ok:
				errs = append(errs, fmt.Errorf("%s %s: no module's prefixes cover the path", op.Method, op.Path))
			case owner != "" && name != owner:
				errs = append(errs, fmt.Errorf("%s %s: the path belongs to %s, the contract to %s", op.Method, op.Path, name, owner))
			case twice:
				errs = append(errs, fmt.Errorf("%s %s is declared by %s and %s", op.Method, op.Path, other, name))
			case op.Access == contract.Permitted && declared[op.Permission].Name == "":
				errs = append(errs, fmt.Errorf("%s %s: no module declares the permission %q", op.Method, op.Path, op.Permission))
			case !features[op.Entitlement]:
				errs = append(errs, fmt.Errorf("%s %s: no module declares the entitlement %q", op.Method, op.Path, op.Entitlement))
			case op.ResourceCheck && len(declared[op.Permission].Attributes) == 0:
				errs = append(errs, fmt.Errorf("%s %s: x-resource-check, and the permission %q has no attributes", op.Method, op.Path, op.Permission))
			}
			owner = name
			seen[shape] = name
			ops = append(ops, &mounted{Operation: op, module: name, operators: forOperators(op, declared)})
		}
		sources = append(sources, contract.Source{Module: owner, Contract: parsed})
	}
	return sources, ops, errors.Join(errs...)
}

// mount registers every operation behind the checks that its contract asks for. A handler without an operation and an
// operation without a handler do not boot.
func (s *Server) mount(apis []module.API, ops []*mounted) (err error) {
	defer func() {
		if fault := recover(); fault != nil { // how gin reports routes that it cannot tell apart
			err = fmt.Errorf("mount: %v", fault)
		}
	}()
	byID, byRoute := map[string]*mounted{}, map[string]*mounted{}
	for _, op := range ops {
		byID[strings.ToUpper(op.ID[:1])+op.ID[1:]] = op // the generated server spells ids as Go names
		byRoute[op.Method+" "+op.Route()] = op
	}
	handlers := gin.New()
	for _, api := range apis {
		api.Mount(handlers, s.around(byID), s.refuse)
	}
	var errs []error
	for _, route := range handlers.Routes() {
		key := route.Method + " " + route.Path
		op := byRoute[key]
		if op == nil {
			errs = append(errs, fmt.Errorf("the handler of %s is in no contract", key))
			continue
		}
		delete(byRoute, key)
		s.handle(op, route.HandlerFunc)
	}
	for key := range byRoute {
		errs = append(errs, fmt.Errorf("%s has no handler", key))
	}
	return errors.Join(errs...)
}

// handle puts an operation into service.
func (s *Server) handle(op *mounted, handler gin.HandlerFunc) {
	chain := s.chain(op)
	op.passes = names(chain, op.placed)
	chain = append(chain, handler)
	s.engine.Handle(op.Method, op.Route(), chain...)
	if op.Method == http.MethodGet {
		s.engine.Handle(http.MethodHead, op.Route(), chain...)
	}
}

// chain is the path of a request: who, where, may they, is it well-formed.
func (s *Server) chain(op *mounted) []gin.HandlerFunc {
	chain := s.pass(s.front(op), web.AfterLog, op)
	switch op.Access {
	case contract.Public:
		chain = append(chain, s.addressed)
		if !op.Unlimited {
			chain = append(chain, s.throttled(op.Operation))
		}
		if op.Optional {
			chain = append(chain, s.recognized, s.paced, s.counted, s.factored)
		}
	default: // Authenticated or Permitted; anything unknown is held to a permission that nobody has
		chain = append(chain, s.authenticated, s.paced)
		if !op.Uncounted && !op.operators { // who sets quotas must not be shut out by one
			chain = append(chain, s.counted)
		}
	}
	if op.Access != contract.Public && !op.MFAExempt {
		chain = append(chain, s.factored)
	}
	chain = s.pass(chain, web.AfterTenant, op)
	if op.Access != contract.Public && op.Access != contract.Authenticated {
		chain = append(chain, s.authorized(op.Operation))
	}
	if op.Entitlement != "" {
		chain = append(chain, s.entitled(op.Operation))
	}
	if op.StepUp {
		chain = append(chain, s.steppedUp)
	}
	if op.Cookies {
		chain = append(chain, s.cookied)
	}
	chain = s.pass(chain, web.BeforeValidation, op)
	if op.Method == http.MethodGet {
		chain = append(chain, unchanged)
	}
	chain = append(chain, s.validated(op.Operation))
	return s.passNamed(s.pass(chain, web.AfterValidation, op), op)
}

// Routes lists what a set of contracts serves, sorted by path, or all faults in them and in the middleware that they name.
func Routes(c *catalog.Catalog, middleware []web.Placed, apis ...module.API) ([]Route, error) {
	_, ops, err := routes(c, apis)
	_, unplaced := place(c, middleware, ops)
	return list(ops), errors.Join(err, unplaced)
}

// Routes lists what is served, sorted by path.
func (s *Server) Routes() []Route { return list(s.ops) }

func list(ops []*mounted) []Route {
	out := make([]Route, len(ops))
	for i, op := range ops {
		out[i] = Route{Module: op.module, Operation: op.Operation}
	}
	slices.SortFunc(out, func(a, b Route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	return out
}
