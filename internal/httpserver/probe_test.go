package httpserver_test

import (
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
)

// probe is a module whose handlers a test chooses: the operations that no real module should have.
type probe struct{ handlers map[string]module.Handler }

func (probe) Name() string      { return "probe" }
func (probe) Migrations() fs.FS { return nil }

func (probe) Manifest() []byte {
	return []byte(`
name: probe
version: 1.0.0
description: Operations that misbehave.
prefixes: [/api/v1/probe]
permissions:
  - {name: probe.thing.change, description: Change a thing., roles: [owner]}
`)
}

const probeContract = `
openapi: 3.0.3
info: {title: Probe, version: 1.0.0}
paths:
  /api/v1/probe/open:
    get:
      operationId: openGet
      security: []
      responses: {"204": {description: Done}}
    post:
      operationId: openPost
      security: []
      x-transaction: manual
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              properties:
                text: {type: string, format: password, maxLength: 8}
                n: {type: integer}
                small: {type: integer, minimum: 1, maximum: 9}
                ratio: {type: number}
                on: {type: boolean}
                at: {type: string, format: date-time, nullable: true}
                list: {type: array, maxItems: 3, items: {type: integer}}
                inner: {type: object, additionalProperties: false, required: [a], properties: {a: {type: string}}}
      responses: {"204": {description: Done}}
  /api/v1/probe/narrow:
    get:
      operationId: narrowGet
      security: []
      x-concurrency: 1
      responses: {"204": {description: Done}}
    post:
      operationId: narrowPost
      security: []
      x-timeout: 20ms
      x-max-body: 64
      x-transaction: manual
      requestBody: {content: {application/json: {schema: {type: object, additionalProperties: false}}}}
      responses: {"204": {description: Done}}
  /api/v1/probe/wide:
    post:
      operationId: widePost
      security: []
      x-timeout: 10m
      x-max-body: 20971520
      x-transaction: manual
      requestBody: {content: {application/json: {schema: {type: object, additionalProperties: false}}}}
      responses: {"204": {description: Done}}
  /api/v1/probe/closed:
    post:
      operationId: closedPost
      x-permission: probe.thing.change
      responses: {"204": {description: Done}}
`

func (p probe) Init() fx.Option {
	return fx.Options(
		fx.Provide(func() probe { return p }),
		module.Routes([]byte(probeContract), func(p probe) module.Mount {
			return func(r gin.IRouter, around module.Around, fail func(*gin.Context, error)) {
				serve := func(id string) gin.HandlerFunc {
					handler := p.handlers[id]
					if handler == nil {
						handler = func(*gin.Context, any) (any, error) { return nil, nil }
					}
					handler = around(id, handler)
					bind := p.handlers["bind:"+id] // what a generated server does before it calls
					return func(c *gin.Context) {
						if bind != nil {
							if _, err := bind(c, nil); err != nil {
								fail(c, err)
								return
							}
						}
						if _, err := handler(c, nil); err != nil {
							fail(c, err)
							return
						}
						if !c.Writer.Written() {
							c.Writer.WriteHeader(http.StatusNoContent)
						}
					}
				}
				r.GET("/api/v1/probe/open", serve("OpenGet"))
				r.POST("/api/v1/probe/open", serve("OpenPost"))
				r.POST("/api/v1/probe/closed", serve("ClosedPost"))
				r.GET("/api/v1/probe/narrow", serve("NarrowGet"))
				r.POST("/api/v1/probe/narrow", serve("NarrowPost"))
				r.POST("/api/v1/probe/wide", serve("WidePost"))
			}
		}),
	)
}

// probed is a platform with the given handlers in the probe.
func probed(t testing.TB, handlers map[string]module.Handler, options ...testapp.Options) *testapp.App {
	t.Helper()
	return testapp.New(t, append(modules.All(), probe{handlers: maps.Clone(handlers)}), options...)
}

// problemBody is what every problem says.
type problemBody struct {
	Type      string
	Title     string
	Status    int
	Detail    string
	Instance  string
	Code      string
	RequestID string `json:"request_id"`
	Errors    []struct{ Field, Code, Message string }
}

func (p problemBody) fields() []string {
	names := []string{}
	for _, e := range p.Errors {
		names = append(names, e.Field+": "+e.Code)
	}
	slices.Sort(names)
	return names
}

func problemOf(t testing.TB, answer testapp.Answer) problemBody {
	t.Helper()
	var p problemBody
	answer.JSON(t, &p)
	return p
}
