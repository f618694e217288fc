package contract

import "net/http"

// ifNoneMatch is the parameter of an operation that answers with an ETag. It is in the bundle without its contract saying
// so, and so is the answer to it.
var (
	ifNoneMatch = map[string]any{
		"name": "If-None-Match", "in": "header",
		"description": "ETags that the client has, or *. When the current one is among them, the answer is 304 without a body.",
		"schema":      map[string]any{"type": "string"},
	}
	notModified = map[string]any{
		"description": "The client has it: its ETag is in If-None-Match",
		"headers":     map[string]any{"ETag": map[string]any{"schema": map[string]any{"type": "string"}}},
	}
)

// tagged tells whether the operation is a read that answers with an ETag.
func (o Operation) tagged() bool {
	if o.Method != http.MethodGet || o.Spec.Responses == nil {
		return false
	}
	ok := o.Spec.Responses.Value("200")
	return ok != nil && ok.Value != nil && ok.Value.Headers["ETag"] != nil
}

// declare adds a parameter to an operation.
func declare(op, parameter map[string]any) {
	declared, _ := op["parameters"].([]any)
	op["parameters"] = append(declared[:len(declared):len(declared)], parameter)
}
