// Package page cuts lists into pages. A cursor names the last row of a page, so that rows which come or go meanwhile
// neither repeat nor hide others.
package page

import (
	"encoding/base64"
	"errors"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
)

// The contract states the same numbers for its Limit parameter.
const (
	DefaultSize = 50
	MaxSize     = 200
)

// ErrCursor answers a cursor that Encode did not make.
var ErrCursor = problem.New(problem.Malformed, "request.cursor_invalid", "The cursor is not one that a list has returned")

// version leads every cursor, so that a later form can be told from this one.
const version byte = 1

// Strict refuses padding bits that are set: every row has exactly one cursor.
var encoding = base64.RawURLEncoding.Strict()

// Encode returns the cursor of a row: opaque, and safe in a URL as it stands.
func Encode(id uuid.UUID) string {
	return encoding.EncodeToString(append([]byte{version}, id[:]...))
}

// Decode returns the row that a cursor names, never the zero id. Everything else is ErrCursor.
func Decode(cursor string) (uuid.UUID, error) {
	raw, err := encoding.DecodeString(cursor)
	if err != nil {
		return uuid.Nil, ErrCursor.Wrap(err)
	}
	// The decoder skips line breaks, so the length of the text counts too.
	if len(raw) != 1+len(uuid.UUID{}) || len(cursor) != encoding.EncodedLen(len(raw)) || raw[0] != version {
		return uuid.Nil, ErrCursor.Wrap(errors.New("it has another length or version"))
	}
	id := uuid.UUID(raw[1:])
	if id == uuid.Nil {
		return uuid.Nil, ErrCursor.Wrap(errors.New("it names no row"))
	}
	return id, nil
}

// After reads an optional cursor parameter. The zero id means the first page.
func After(cursor *string) (uuid.UUID, error) {
	if cursor == nil {
		return uuid.Nil, nil
	}
	return Decode(*cursor)
}

// Size reads an optional limit parameter: DefaultSize without one, otherwise between 1 and MaxSize.
func Size(limit *int) int {
	if limit == nil {
		return DefaultSize
	}
	return min(max(*limit, 1), MaxSize)
}

// Cut makes a page of rows, of which the store was asked for limit+1. The items are never nil; next is nil when this
// is the last page. The limit must be positive.
func Cut[T any](rows []T, limit int, id func(T) uuid.UUID) (items []T, next *string) {
	if len(rows) <= limit {
		return append([]T{}, rows...), nil
	}
	cursor := Encode(id(rows[limit-1]))
	return rows[:limit:limit], &cursor
}
