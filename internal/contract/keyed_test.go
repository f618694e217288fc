package contract

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

func TestTheBundleDeclaresWhatThePlatformAdds(t *testing.T) {
	t.Parallel()
	const answer = `, responses: {"200": {description: Done, headers: {ETag: {schema: {type: string}}}}}}`
	c, err := Parse([]byte(`
openapi: 3.0.3
info: {title: Keyed, version: 1.0.0}
paths:
  /a:
    get: {operationId: read, x-authenticated: true` + answer + `
    post: {operationId: make, x-authenticated: true, parameters: [{name: q, in: query, schema: {type: string}}]` + answer + `
    patch: {operationId: change, x-permission: a.b.c` + answer + `
    put: {operationId: put, x-authenticated: true` + answer + `
    delete: {operationId: remove, x-authenticated: true` + answer + `
  /b:
    get: {operationId: list, x-authenticated: true, responses: {"200": {description: Done}}}
    post: {operationId: open, security: []` + answer + `
    patch: {operationId: sign, x-authenticated: true, x-cookies: true` + answer + `
  /c:
    post: {operationId: slow, x-authenticated: true, x-transaction: manual` + answer + `
    patch: {operationId: maybe, security: [{}, {bearer: []}]` + answer + `
`))
	require.NoError(t, err)
	tree, err := Bundle(Info{Title: "t", Version: "1"}, Source{Module: "a", Contract: c})
	require.NoError(t, err)
	encoded, err := json.Marshal(tree)
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(encoded)
	require.NoError(t, err)
	declared := map[string][]string{}
	for _, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for _, p := range op.Parameters {
				declared[p.Value.Name] = append(declared[p.Value.Name], op.OperationID)
			}
			require.Equal(t, op.OperationID == "read", op.Responses.Value("304") != nil, op.OperationID)
			require.True(t, method != http.MethodDelete || len(op.Parameters) == 0)
		}
	}
	for _, ids := range declared {
		slices.Sort(ids)
	}
	require.Equal(t, map[string][]string{"Idempotency-Key": {"change", "make"}, "If-None-Match": {"read"}, "q": {"make"}}, declared)
}
