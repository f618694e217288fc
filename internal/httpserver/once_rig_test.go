package httpserver_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/idempotency"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
)

type fields = map[string]any

// things is a module with an operation whose effects can be counted.
type things struct{ rig *workshop }

func (things) Name() string      { return "probe" }
func (things) Migrations() fs.FS { return nil }
func (things) Manifest() []byte {
	return []byte(`
name: probe
version: 1.0.0
description: Has effects.
prefixes: [/api/v1/probe]
permissions:
  - {name: probe.thing.make, description: Make a thing., roles: [owner, member]}
`)
}

func (p things) Init() fx.Option {
	const body = `
      x-permission: probe.thing.make
      requestBody:
        content:
          application/json:
            schema: {type: object, additionalProperties: false, properties: {text: {type: string}}}
      responses: {"201": {description: Made, content: {application/json: {schema: {type: object}}}}}
`
	contract := `
openapi: 3.0.3
info: {title: Probe, version: 1.0.0}
paths:
  /api/v1/probe/things:
    post:
      operationId: makeThing
      parameters:
        - {name: shape, in: query, schema: {type: string}}
        - {name: X-Color, in: header, schema: {type: string}}` + body + `
    patch:
      operationId: changeThing` + body + `
    put:
      operationId: putThing` + body + `
  /api/v1/probe/manual:
    post:
      operationId: makeByHand
      x-transaction: manual` + body
	return fx.Options(
		fx.Provide(func() things { return p }),
		module.Routes([]byte(contract), func(p things) module.Mount { return p.mount }),
	)
}

// mount does what a generated server does.
func (p things) mount(r gin.IRouter, around module.Around, fail func(*gin.Context, error)) {
	serve := func(id string) gin.HandlerFunc {
		handler := around(id, p.rig.makeThing)
		return func(c *gin.Context) {
			response, err := handler(c, nil)
			if err != nil {
				fail(c, err)
				return
			}
			if made, ok := response.(made); ok {
				_ = made.VisitMakeThingResponse(c.Writer)
			}
		}
	}
	r.POST("/api/v1/probe/things", serve("MakeThing"))
	r.PATCH("/api/v1/probe/things", serve("ChangeThing"))
	r.PUT("/api/v1/probe/things", serve("PutThing"))
	r.POST("/api/v1/probe/manual", serve("MakeByHand"))
}

// made is the response.
type made struct {
	text   string
	broken error
}

func (m made) VisitMakeThingResponse(w http.ResponseWriter) error {
	if m.broken != nil {
		return m.broken
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", `"1"`)
	w.Header().Set("Location", "/api/v1/probe/things/"+m.text)
	w.WriteHeader(http.StatusCreated)
	return json.NewEncoder(w).Encode(fields{"text": m.text})
}

// workshop is a platform with the probe.
type workshop struct {
	*testapp.App
	owner   testapp.User
	answers *idempotency.Answers
	after   func(ctx context.Context, text string) (any, error) // decides how the work ends; nil is well
}

func newWorkshop(t testing.TB, set ...string) *workshop {
	t.Helper()
	r := replica(t, "", set...)
	if testapp.Postgres() {
		r.Tamper(t, "CREATE TABLE probe_effects (text text NOT NULL)", "GRANT ALL ON probe_effects TO platform_app")
	} else {
		r.Tamper(t, "CREATE TABLE probe_effects (text text NOT NULL)")
	}
	r.owner = r.Register(t, "ada")
	return r
}

// replica is another platform over a database.
func replica(t testing.TB, url string, set ...string) *workshop {
	t.Helper()
	r := &workshop{}
	r.App = testapp.New(t, append(modules.All(), things{r}), testapp.Options{
		Set: set, Database: url, Extra: []fx.Option{fx.Populate(&r.answers)},
	})
	return r
}

// makeThing writes a row before anything can go wrong.
func (r *workshop) makeThing(c *gin.Context, _ any) (any, error) {
	ctx := c.Request.Context()
	text := ""
	if body, ok := c.Request.Body.(interface{ ValidatedValue() any }); ok {
		text, _ = body.ValidatedValue().(map[string]any)["text"].(string)
	}
	if err := r.Database.Exec(ctx, "INSERT INTO probe_effects (text) VALUES ($1)", []any{text}, nil); err != nil {
		return nil, err
	}
	if r.after != nil {
		return r.after(ctx, text)
	}
	return made{text: text}, nil
}

// effects counts what has been made.
func (r *workshop) effects(t testing.TB) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, row := range r.Rows(t, "SELECT text FROM probe_effects") {
		count[row["text"]]++
	}
	return count
}

const thingsPath = "/api/v1/probe/things"

// making is a request that makes one.
func making(token, key, text string) testapp.Call {
	return testapp.Call{Method: "POST", Path: thingsPath, Token: token, Body: fields{"text": text}, Header: map[string]string{"Idempotency-Key": key}}
}
