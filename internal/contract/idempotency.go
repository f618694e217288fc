package contract

import "net/http"

// Idempotent tells whether the operation honours Idempotency-Key. Its work must be one transaction with its answer, there
// must be a caller to whom the key belongs, and the answer must be one that may be given twice, which a session is not.
func (o Operation) Idempotent() bool {
	changes := o.Method == http.MethodPost || o.Method == http.MethodPatch
	return changes && o.Access != Public && o.Access != Denied && !o.Manual && !o.Cookies
}

// idempotencyKey is the parameter that an idempotent operation has in the bundle, without its contract saying so.
var idempotencyKey = map[string]any{
	"name": "Idempotency-Key",
	"in":   "header",
	"description": "Chosen by the client for this request, and sent again with every repetition of it: the request has one effect, " +
		"and a repetition gets the first answer, with Idempotency-Replayed: true. Another request with the key of this one is " +
		"refused by 422, and a repetition while the request is still running by 409.",
	"schema": map[string]any{"type": "string", "minLength": 1, "maxLength": 512},
}
