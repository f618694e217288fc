package notify

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Message is a notification in somebody's inbox.
type Message struct {
	ID       uuid.UUID
	Template string
	Category string
	Subject  string
	Text     string
	Created  time.Time
	Read     *time.Time
	Archived *time.Time
}

// MessageFilter chooses messages. Zero values choose all that are not archived.
type MessageFilter struct {
	Unread   bool      // only those that were not read
	Archived bool      // those that were archived, instead of the others
	Before   uuid.UUID // older than this one
	Limit    int
}

// Messages are the inboxes. All methods are about one user in the tenant of the context, and answer ErrNotFound for what
// belongs to somebody else.
type Messages interface {
	// List returns messages, newest first.
	List(ctx context.Context, user uuid.UUID, f MessageFilter) ([]Message, error)

	// Unread counts what was neither read nor archived.
	Unread(ctx context.Context, user uuid.UUID) (int, error)

	// Read marks a message as read or as unread.
	Read(ctx context.Context, user, id uuid.UUID, read bool) (Message, error)

	// ReadAll marks everything that is not archived as read, and returns how many that were.
	ReadAll(ctx context.Context, user uuid.UUID) (int, error)

	// Archive puts a message aside, or back. What is put aside counts as read.
	Archive(ctx context.Context, user, id uuid.UUID, archived bool) (Message, error)
}
