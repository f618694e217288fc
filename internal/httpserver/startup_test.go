package httpserver_test

import (
	"fmt"
	"io/fs"
	"net"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/health"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/web"
)

// named is a module of which only the manifest matters.
type named struct{ name, manifest string }

func (n named) Name() string      { return n.name }
func (n named) Manifest() []byte  { return []byte(n.manifest) }
func (n named) Init() fx.Option   { return fx.Options() }
func (n named) Migrations() fs.FS { return nil }

func manifest(name string) named {
	return named{name, fmt.Sprintf(`
name: %[1]s
version: 1.0.0
description: A module.
prefixes: [/api/v1/%[1]s]
permissions:
  - {name: %[1]s.thing.read, description: Read a thing., roles: [owner]}
`, name)}
}

// started composes a server of two modules, things and parts, from contracts and from the routes that have a handler,
// as in "GET /api/v1/things/:id".
func started(t *testing.T, apis ...module.API) (*httpserver.Server, error) {
	t.Helper()
	return startedWith(t, nil, apis...)
}

func startedWith(t *testing.T, middleware []web.Placed, apis ...module.API) (*httpserver.Server, error) {
	t.Helper()
	c, err := catalog.New([]byte("{name: core, version: 1.0.0, description: The platform., prefixes: [/core]}"),
		[]module.IModule{manifest("things"), manifest("parts")}, nil)
	require.NoError(t, err)
	registry, err := health.New(health.DefaultConfig())
	require.NoError(t, err)
	cfg := httpserver.DefaultConfig()
	cfg.Addr, cfg.DrainInterval = "127.0.0.1:0", 0
	return httpserver.New(cfg, httpserver.Deps{Log: zap.NewNop(), Metrics: telemetry.NewMetrics(), Catalog: c, Health: registry, Placed: middleware}, apis...)
}

func api(contract string, routes ...string) module.API {
	return module.API{Contract: []byte(contract), Mount: func(r gin.IRouter, _ module.Around, _ func(*gin.Context, error)) {
		for _, route := range routes {
			method, path, _ := strings.Cut(route, " ")
			r.Handle(method, path, func(*gin.Context) {})
		}
	}}
}

// contractOf is a contract of operations as in "get /api/v1/things | getThing | x-permission: things.thing.read".
func contractOf(operations ...string) string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.3\ninfo: {title: Test, version: 1.0.0}\npaths:\n")
	for _, operation := range operations {
		parts := strings.Split(operation, " | ")
		method, path, _ := strings.Cut(parts[0], " ")
		fmt.Fprintf(&b, "  %s:\n    %s:\n      operationId: %s\n", path, method, parts[1])
		for _, line := range parts[2:] {
			fmt.Fprintf(&b, "      %s\n", line)
		}
		b.WriteString("      responses: {\"204\": {description: Done}}\n")
	}
	return b.String()
}

const thing = "get /api/v1/things/{id} | getThing | x-permission: things.thing.read | parameters: [{name: id, in: path, required: true, schema: {type: string}}]"

func TestAServerOfSoundContractsStarts(t *testing.T) {
	t.Parallel()
	s, err := started(t, api(contractOf(thing), "GET /api/v1/things/:id"), api(contractOf("get /api/v1/parts | listParts | security: []"), "GET /api/v1/parts"))
	require.NoError(t, err)
	require.Empty(t, s.URL())
	require.Len(t, s.Routes(), 2)
	require.Equal(t, "parts", s.Routes()[0].Module)
	require.NoError(t, s.Start(t.Context()))
	require.Contains(t, s.URL(), "http://127.0.0.1:")
	require.NoError(t, s.Stop(t.Context()))
}

func TestAFaultInAContractFailsTheStart(t *testing.T) {
	t.Parallel()
	const served = "GET /api/v1/things"
	for name, c := range map[string]struct {
		apis []module.API
		want []string
	}{
		"no access is declared": {
			[]module.API{api(contractOf("get /api/v1/things | listThings"), served)},
			[]string{"GET /api/v1/things", "x-permission", "x-authenticated", "security: []"},
		},
		"two kinds of access are declared": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | security: [] | x-permission: things.thing.read"), served)},
			[]string{"GET /api/v1/things", "exactly one"},
		},
		"x-authenticated is false": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | x-authenticated: false"), served)},
			[]string{"GET /api/v1/things", "exactly one"},
		},
		"security names a scheme": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | security: [{bearer: []}]"), served)},
			[]string{"GET /api/v1/things", "exactly one"},
		},
		"nobody declares the permission": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | x-permission: things.thing.steal"), served)},
			[]string{"GET /api/v1/things", `"things.thing.steal"`},
		},
		"nobody declares the entitlement": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | x-permission: things.thing.read | x-entitlement: things.export"), served)},
			[]string{"GET /api/v1/things", `no module declares the entitlement "things.export"`},
		},
		"a wildcard for a permission": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | x-permission: things.*"), served)},
			[]string{"GET /api/v1/things", `"things.*"`},
		},
		"a route is declared twice": {
			[]module.API{
				api(contractOf("get /api/v1/things | listThings | security: []"), served),
				api(contractOf("get /api/v1/things | listThingsAgain | security: []"), served),
			},
			[]string{"GET /api/v1/things", "declared by things and things"},
		},
		"a route is declared twice with other names for its ids": {
			[]module.API{
				api(contractOf(thing), "GET /api/v1/things/:id"),
				api(contractOf(strings.NewReplacer("{id}", "{name}", "name: id", "name: name", "getThing", "findThing").Replace(thing)), "GET /api/v1/things/:name"),
			},
			[]string{"GET /api/v1/things/{name}", "declared by things and things"},
		},
		"an id has another name further down": {
			[]module.API{api(
				contractOf(thing, strings.NewReplacer("{id}", "{name}/parts", "name: id", "name: name", "getThing", "listParts").Replace(thing)),
				"GET /api/v1/things/:id", "GET /api/v1/things/:name/parts",
			)},
			[]string{":name", "/api/v1/things/:name/parts"},
		},
		"an operation id is declared twice": {
			[]module.API{
				api(contractOf("get /api/v1/things | list | security: []"), served),
				api(contractOf("get /api/v1/parts | list | security: []"), "GET /api/v1/parts"),
			},
			[]string{"operation list", "parts", "things"},
		},
		"an operation has no handler": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | security: []"))},
			[]string{"GET /api/v1/things", "no handler"},
		},
		"a handler is in no contract": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | security: []"), served, "POST /api/v1/things/secret")},
			[]string{"POST /api/v1/things/secret", "no contract"},
		},
		"a path belongs to no module": {
			[]module.API{api(contractOf("get /api/v1/nowhere | listThings | security: []"), "GET /api/v1/nowhere")},
			[]string{"GET /api/v1/nowhere", "no module"},
		},
		"a path only looks like the module's": {
			[]module.API{api(contractOf("get /api/v1/thingsandmore | listThings | security: []"), "GET /api/v1/thingsandmore")},
			[]string{"GET /api/v1/thingsandmore", "no module"},
		},
		"a path belongs to another module": {
			[]module.API{api(contractOf("get /api/v1/parts | listParts | security: []", "get /api/v1/things | listThings | security: []"), served, "GET /api/v1/parts")},
			[]string{"GET /api/v1/things", "parts", "things"},
		},
		"an operation has no id": {
			[]module.API{api(strings.Replace(contractOf("get /api/v1/things | x | security: []"), "operationId: x", "summary: x", 1), served)},
			[]string{"GET /api/v1/things", "operationId"},
		},
		"a body takes any field": {
			[]module.API{api(contractOf("post /api/v1/things | addThing | security: [] | requestBody: {content: {application/json: {schema: {type: object}}}}"), "POST /api/v1/things")},
			[]string{"POST /api/v1/things", "additionalProperties: false"},
		},
		"a resource check without attributes": {
			[]module.API{api(contractOf("get /api/v1/things | listThings | x-permission: things.thing.read | x-resource-check: true"), served)},
			[]string{"GET /api/v1/things", "x-resource-check", `"things.thing.read"`},
		},
		"an unknown kind of transaction": {
			[]module.API{api(contractOf("post /api/v1/things | addThing | security: [] | x-transaction: never"), "POST /api/v1/things")},
			[]string{"POST /api/v1/things", "x-transaction"},
		},
		"OpenAPI 3.1": {
			[]module.API{api(strings.Replace(contractOf("get /api/v1/things | listThings | security: []"), "3.0.3", "3.1.0", 1), served)},
			[]string{"3.1.0"},
		},
		"no contract at all":   {[]module.API{api("")}, []string{"contract"}},
		"no YAML":              {[]module.API{api("\t{")}, []string{"contract"}},
		"a contract of a list": {[]module.API{api("[1, 2]")}, []string{"contract"}},
		"all faults at once": {
			[]module.API{
				api(contractOf("get /api/v1/things | listThings"), served),
				api(contractOf("get /api/v1/parts | listParts | x-permission: parts.part.lose"), "GET /api/v1/parts"),
			},
			[]string{"GET /api/v1/things", "parts.part.lose"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := started(t, c.apis...)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestATakenPortFailsTheStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	c, err := catalog.New([]byte("{name: core, version: 1.0.0, description: The platform., prefixes: [/core]}"), nil, nil)
	require.NoError(t, err)
	cfg := httpserver.DefaultConfig()
	cfg.Addr = taken.Addr().String()
	s, err := httpserver.New(cfg, httpserver.Deps{Log: zap.NewNop(), Metrics: telemetry.NewMetrics(), Catalog: c})
	require.NoError(t, err)
	err = s.Start(t.Context())
	require.ErrorContains(t, err, "http.addr")
	require.ErrorContains(t, err, cfg.Addr)
}

func TestTheAddressesAreChecked(t *testing.T) {
	t.Parallel()
	for management, want := range map[string]string{
		"": "", ":9000": "", "127.0.0.1:0": "", "9000": "management_addr must be host:port", ":70000": "management_addr must have a port",
		"127.0.0.1:8080": "management_addr must not be that of http.addr",
	} {
		cfg := httpserver.DefaultConfig()
		cfg.ManagementAddr = management
		if want == "" {
			require.NoError(t, cfg.Validate(), management)
			continue
		}
		require.ErrorContains(t, cfg.Validate(), want, management)
	}
}
