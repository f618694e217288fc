package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// things is a contract with one path; operation is the YAML of its POST.
func things(operation string) []byte {
	return []byte(`openapi: 3.0.3
info: {title: Things, version: v1, description: All about things.}
paths:
  /api/v1/things/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string, format: uuid}}
    post: {` + operation + `}
components:
  schemas:
    Thing: {type: object, additionalProperties: false, required: [name], properties: {name: {type: string}}}
    Open: {type: object, properties: {name: {type: string}}}
    Untyped: {properties: {name: {type: string}}}
    Composed: {allOf: [{$ref: "#/components/schemas/Thing"}]}
    Either: {oneOf: [{$ref: "#/components/schemas/Thing"}, {$ref: "#/components/schemas/Open"}]}
    Nested: {type: object, additionalProperties: false, properties: {list: {type: array, items: {$ref: "#/components/schemas/Open"}}}}
`)
}

const (
	answer = `responses: {"200": {description: OK, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}}`
	named  = `operationId: MakeThing, ` + answer
)

func takes(schema string) string {
	return `, requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/` + schema + `"}}}}`
}

func TestAnOperationSaysWhoMayCallIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		operation string
		want      Operation
	}{
		"the holders of a permission": {named + ", x-permission: things.thing.make", Operation{Access: Permitted, Permission: "things.thing.make"}},
		"anybody who is signed in":    {named + ", x-authenticated: true", Operation{Access: Authenticated}},
		"everybody":                   {named + ", security: []", Operation{Access: Public}},
		"everybody, known or not":     {named + ", security: [{}, {bearer: []}]", Operation{Access: Public, Optional: true}},
		"holders for some resources":  {named + ", x-permission: things.thing.make, x-resource-check: true", Operation{Access: Permitted, Permission: "things.thing.make", ResourceCheck: true}},
		"in transactions of its own":  {named + ", security: [], x-transaction: manual", Operation{Access: Public, Manual: true}},
		"with a recent sign-in":       {named + ", x-authenticated: true, x-step-up: true", Operation{Access: Authenticated, StepUp: true}},
		"holders who signed in":       {named + ", x-permission: things.thing.make, x-step-up: true", Operation{Access: Permitted, Permission: "things.thing.make", StepUp: true}},
		"without a second factor":     {named + ", x-authenticated: true, x-mfa-exempt: true", Operation{Access: Authenticated, MFAExempt: true}},
		"with limits of its own":      {named + ", security: [], x-timeout: 1m30s, x-max-body: 1024, x-concurrency: 4", Operation{Access: Public, Timeout: 90 * time.Second, MaxBody: 1024, Concurrency: 4}},
		"through what modules add":    {named + ", security: [], x-middleware: [things.quota, things.log]", Operation{Access: Public, Middleware: []string{"things.quota", "things.log"}}},
		"without a quota":             {named + ", x-authenticated: true, x-quota: none", Operation{Access: Authenticated, Uncounted: true}},
		"as often as one likes":       {named + ", security: [], x-rate-limit: none", Operation{Access: Public, Unlimited: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse(things(tt.operation + takes("Thing")))
			require.NoError(t, err)
			require.Len(t, c.Operations, 1)
			op := c.Operations[0]
			require.Equal(t, tt.want, Operation{Access: op.Access, Permission: op.Permission, Optional: op.Optional, ResourceCheck: op.ResourceCheck, Manual: op.Manual, Unlimited: op.Unlimited, StepUp: op.StepUp, MFAExempt: op.MFAExempt, Timeout: op.Timeout, MaxBody: op.MaxBody, Concurrency: op.Concurrency, Uncounted: op.Uncounted, Middleware: op.Middleware})
			require.Equal(t, "MakeThing", op.ID)
			require.Equal(t, "POST /api/v1/things/:id", op.Method+" "+op.Route())
			require.True(t, op.Mutates())
			require.NotNil(t, op.Body)
			require.Len(t, op.Parameters, 1, "those of the path count")
		})
	}
	require.Equal(t, Denied, Operation{}.Access, "a forgotten access stays closed")
	require.False(t, Operation{Method: http.MethodHead}.Mutates())
}

func TestAContractWithAFaultIsRefused(t *testing.T) {
	t.Parallel()
	good := string(things(named + ", security: []"))
	for name, tt := range map[string]struct{ source, want string }{
		"nobody may call it":                          {string(things(named)), "needs exactly one of"},
		"two answers to who may":                      {string(things(named + ", x-authenticated: true, security: []")), "needs exactly one of"},
		"authenticated that is not true":              {string(things(named + ", x-authenticated: false")), "needs exactly one of"},
		"a security of its own":                       {string(things(named + ", security: [{bearer: []}]")), "needs exactly one of"},
		"a known caller of another kind":              {string(things(named + ", security: [{}, {other: []}]")), "undefined security scheme"},
		"no operation id":                             {string(things(answer + ", security: []")), "operationId is missing"},
		"a resource check that is not true":           {string(things(named + ", x-permission: a.b.c, x-resource-check: false")), "x-resource-check can only be true"},
		"a resource check of anybody":                 {string(things(named + ", x-authenticated: true, x-resource-check: true")), "x-resource-check needs x-permission"},
		"a resource check and a transaction":          {string(things(named + ", x-permission: a.b.c, x-resource-check: true, x-transaction: manual")), "the platform's transaction"},
		"another transaction":                         {string(things(named + ", security: [], x-transaction: auto")), "x-transaction can only be manual"},
		"middleware that is no list":                  {string(things(named + ", security: [], x-middleware: things.quota")), "x-middleware must be a list of names"},
		"middleware of no names":                      {string(things(named + ", security: [], x-middleware: []")), "x-middleware must be a list of names"},
		"middleware with a number for a name":         {string(things(named + ", security: [], x-middleware: [things.quota, 5]")), "x-middleware must be a list of names"},
		"middleware with an empty name":               {string(things(named + ", security: [], x-middleware: [\"\"]")), "x-middleware must be a list of names"},
		"middleware that is named twice":              {string(things(named + ", security: [], x-middleware: [things.quota, things.tag, things.quota]")), "x-middleware names things.quota twice"},
		"a step-up that is not true":                  {string(things(named + ", x-authenticated: true, x-step-up: 5")), "x-step-up can only be true"},
		"a step-up of nobody":                         {string(things(named + ", security: [{}, {bearer: []}], x-step-up: true")), "x-step-up needs x-authenticated or x-permission"},
		"an exemption that is not true":               {string(things(named + ", x-authenticated: true, x-mfa-exempt: false")), "x-mfa-exempt can only be true"},
		"an exemption of everybody":                   {string(things(named + ", security: [], x-mfa-exempt: true")), "x-mfa-exempt needs x-authenticated or x-permission"},
		"a quota of its own":                          {string(things(named + ", x-authenticated: true, x-quota: 5")), "x-quota can only be none"},
		"no quota for everybody":                      {string(things(named + ", security: [], x-quota: none")), "x-quota can only be none, and needs x-authenticated"},
		"a timeout that is no duration":               {string(things(named + ", security: [], x-timeout: 30")), "x-timeout must be a duration such as 90s"},
		"a timeout in the past":                       {string(things(named + ", security: [], x-timeout: -1s")), "x-timeout must be a duration"},
		"a timeout that is none":                      {string(things(named + ", security: [], x-timeout: 24h")), "between 1ms and 1h"},
		"a body of no bytes":                          {string(things(named + ", security: [], x-max-body: 0")), "x-max-body must be a number of bytes"},
		"a body of half a byte":                       {string(things(named + ", security: [], x-max-body: 1.5")), "x-max-body must be a number of bytes"},
		"a body in words":                             {string(things(named + ", security: [], x-max-body: 1MB")), "x-max-body must be a number of bytes"},
		"nobody at once":                              {string(things(named + ", security: [], x-concurrency: 0")), "x-concurrency must be a number of requests"},
		"some at once":                                {string(things(named + ", security: [], x-concurrency: some")), "x-concurrency must be a number of requests"},
		"another limit":                               {string(things(named + ", security: [], x-rate-limit: 5")), "x-rate-limit can only be none"},
		"no limit for those who have signed in":       {string(things(named + ", x-authenticated: true, x-rate-limit: none")), "x-rate-limit can only be none"},
		"a body that takes any field":                 {string(things(named + ", security: []" + takes("Open"))), "lacks additionalProperties: false"},
		"a body that takes any field far inside":      {string(things(named + ", security: []" + takes("Nested"))), "list: an object lacks"},
		"a reference to nothing":                      {string(things(named + ", security: []" + takes("Nothing"))), "Nothing"},
		"a component of the platform":                 {strings.ReplaceAll(good, "Thing:", "Problem:"), "schemas.Problem is the platform's"},
		"another version":                             {strings.Replace(good, "3.0.3", "3.1.0", 1), "want 3.0.x"},
		"what is no YAML":                             {"openapi: [", "contract: "},
		"nothing":                                     {"", "contract: "},
		"a body that is an object only by its fields": {string(things(named + ", security: []" + takes("Untyped"))), "lacks additionalProperties: false"},
		"a body that is composed":                     {string(things(named + ", security: []" + takes("Composed"))), "cannot be closed"},
		"a body that may be an open object":           {string(things(named + ", security: []" + takes("Either"))), "lacks additionalProperties: false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tt.source))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestFormatsAreChecked(t *testing.T) {
	t.Parallel()
	registerFormats()
	for format, values := range map[string]map[string]bool{
		"uuid": {
			"0190b5c8-7a2e-7cc3-98c4-dc0c0c07398f": true, "0190B5C8-7A2E-7CC3-98C4-DC0C0C07398F": true,
			"0190b5c87a2e7cc398c4dc0c0c07398f": false, "{0190b5c8-7a2e-7cc3-98c4-dc0c0c07398f}": false, "": false, "x": false,
		},
		"date-time": {"2026-01-02T03:04:05Z": true, "2026-01-02T03:04:05.123456+01:00": true, "2026-01-02": false, "now": false},
		"email":     {"a@example.com": true, "Ann <a@example.com>": false, "a": false, "": false},
	} {
		schema := openapi3.NewStringSchema().WithFormat(format)
		for value, want := range values {
			require.Equal(t, want, schema.VisitJSON(value) == nil, "%s %q", format, value)
		}
	}
}

func TestAQueryIsOpenOnlyWhereTheContractSaysSo(t *testing.T) {
	t.Parallel()
	const one = "openapi: 3.0.3\ninfo: {title: T, version: 1.0.0}\npaths:\n  /api/v1/t:\n    get:\n      operationId: t\n      security: []\n%s      responses:\n        \"204\": {description: Done}\n"
	for extra, open := range map[string]bool{"": false, "      x-query: open\n": true} {
		c, err := Parse(fmt.Appendf(nil, one, extra))
		require.NoError(t, err)
		require.Equal(t, open, c.Operations[0].OpenQuery)
	}
	_, err := Parse(fmt.Appendf(nil, one, "      x-query: closed\n"))
	require.ErrorContains(t, err, "x-query can only be open")
}
