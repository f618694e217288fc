package blogapi

import (
	"time"

	"github.com/google/uuid"
)

// PostPublished says that a post has become public. It happens once in the life of a post.
type PostPublished struct {
	PostID      uuid.UUID `json:"post_id"`
	AuthorID    uuid.UUID `json:"author_id"`
	Title       string    `json:"title"`
	Slug        string    `json:"slug"`
	PublishedAt time.Time `json:"published_at"`
}

// Topic implements event.Event.
func (PostPublished) Topic() string { return "blog.post.published" }

// Version implements event.Event.
func (PostPublished) Version() int { return 1 }

// OrderKey keeps the events of a post in their order.
func (p PostPublished) OrderKey() string { return p.PostID.String() }
