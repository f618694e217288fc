package audit

import (
	"context"
	"encoding/json"
	"sync"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/tx"
)

// What can happen to a row.
const (
	Created = "created"
	Updated = "updated"
	Deleted = "deleted"
)

// Change is what happened to one row.
type Change struct {
	Entity string           `json:"entity"` // such as "blog.post"
	ID     string           `json:"id"`
	Action string           `json:"action"` // Created, Updated or Deleted
	Fields map[string]Field `json:"fields"` // those that differ
	Tenant uuid.UUID        `json:"-"`      // whose row it is; zero means the tenant of the context
}

// Field is one value before and after, as JSON: null where there was or is none, a mask when it is secret.
type Field struct {
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`

	// Shortened means that a value was too long, and that its beginning is shown as text.
	Shortened bool `json:"shortened,omitempty"`
}

var (
	null = json.RawMessage("null")
	mask = json.RawMessage(`"********"`)
)

// maxValue is how much of one value is kept, in bytes.
const maxValue = 2000

func masked(value json.RawMessage) json.RawMessage {
	if string(value) == string(null) {
		return null
	}
	return mask
}

func (f Field) shortened() Field {
	var before, after bool
	f.Before, before = shorten(f.Before)
	f.After, after = shorten(f.After)
	f.Shortened = before || after
	return f
}

func shorten(value json.RawMessage) (json.RawMessage, bool) {
	if len(value) <= maxValue {
		return value, false
	}
	text := string(value)
	if unquoted := ""; json.Unmarshal(value, &unquoted) == nil {
		text = unquoted
	}
	cut := min(maxValue, len(text))
	for cut > 0 && cut < len(text) && !utf8.RuneStart(text[cut]) {
		cut--
	}
	short, err := json.Marshal(text[:cut])
	if err != nil { // a string always encodes
		return null, true
	}
	return short, true
}

type collectedKey struct{}

// collected is what one transaction has changed and nobody has recorded yet.
type collected struct {
	mu      sync.Mutex
	changes []Change
}

// Track adds c to what the transaction in ctx has changed. The platform records it with the entry that the transaction
// writes for c's tenant, or else as an event of its own when it commits. Without a transaction c is dropped: there is
// nothing that it could be part of.
func Track(ctx context.Context, c Change) {
	v, ok := tx.LoadOrStore(ctx, collectedKey{}, &collected{})
	if !ok {
		return
	}
	all := v.(*collected)
	all.mu.Lock()
	defer all.mu.Unlock()
	all.changes = append(all.changes, c)
}

// Tracked takes the changes that wanted selects out of what was tracked in the transaction in ctx. The platform calls
// it; modules do not.
func Tracked(ctx context.Context, wanted func(Change) bool) []Change {
	all, ok := tx.Load(ctx, collectedKey{}).(*collected)
	if !ok {
		return nil
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	var taken, left []Change
	for _, c := range all.changes {
		if wanted(c) {
			taken = append(taken, c)
		} else {
			left = append(left, c)
		}
	}
	all.changes = left
	return taken
}
