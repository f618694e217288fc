// Package apikeysapi is all that other modules may know about API keys: their permissions and their errors.
package apikeysapi

import "github.com/yourorg/platform/pkg/problem"

// What a caller can be told. Codes are stable.
var (
	ErrKeyNotFound = problem.New(problem.NotFound, "apikeys.key_not_found", "There is no such API key")
	ErrKeyInvalid  = problem.New(problem.Invalid, "apikeys.key_unacceptable", "The API key is not acceptable")
	ErrKeyChanged  = problem.New(problem.PreconditionFailed, "apikeys.key_changed", "The API key was changed in the meantime")
	ErrKeyLimit    = problem.New(problem.Conflict, "apikeys.key_limit", "There are too many API keys")
	ErrKeyExpired  = problem.New(problem.Conflict, "apikeys.key_expired", "The API key has expired")
	ErrNotYours    = problem.New(problem.Forbidden, "apikeys.not_yours", "A personal key belongs to its user alone")
)
