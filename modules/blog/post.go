package blog

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/pkg/problem"
)

const (
	draft     = "draft"
	published = "published"

	maxTitle = 200 // characters
	maxSlug  = 200 // bytes, which are characters in a slug
)

// Post is an article owned by a tenant.
type Post struct {
	ID          uuid.UUID
	Title       string
	Slug        string // unique in its tenant
	Content     string
	Status      string
	AuthorID    uuid.UUID
	Version     int // grows with every change; its ETag
	CreatedAt   time.Time
	UpdatedAt   time.Time
	PublishedAt *time.Time
}

// change is what an author may ask to be different; nil stays as it is.
type change struct{ title, content, slug *string }

// newPost returns a draft that satisfies every rule of the blog, or says which it breaks.
func newPost(author uuid.UUID, title, content, slug string, maxContent int, now time.Time) (Post, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Post{}, err
	}
	p := Post{ID: id, Slug: slug, Status: draft, AuthorID: author, Version: 1, CreatedAt: now, UpdatedAt: now}
	p.Title, p.Content = strings.TrimSpace(title), content
	if slug == "" {
		p.Slug = slugify(p.Title)
	}
	return p, p.check(maxContent)
}

// attributes are what the conditions of a grant may look at; module.yaml lists them.
func (p Post) attributes() map[string]string {
	return map[string]string{"owner": p.AuthorID.String(), "status": p.Status}
}

// apply returns the post after c, one version on.
func (p Post) apply(c change, maxContent int, now time.Time) (Post, error) {
	if c.title != nil {
		p.Title = strings.TrimSpace(*c.title)
	}
	if c.content != nil {
		p.Content = *c.content
	}
	if c.slug != nil {
		p.Slug = *c.slug
	}
	p.Version++
	p.UpdatedAt = now
	return p, p.check(maxContent)
}

// publish makes the post public; a published post stays as it is.
func (p Post) publish(now time.Time) Post {
	if p.Status == published {
		return p
	}
	p.Status, p.PublishedAt, p.UpdatedAt = published, &now, now
	p.Version++
	return p
}

// announcement is what others learn of a post that has just become public.
func (p Post) announcement() blogapi.PostPublished {
	return blogapi.PostPublished{PostID: p.ID, AuthorID: p.AuthorID, Title: p.Title, Slug: p.Slug, PublishedAt: *p.PublishedAt}
}

func (p Post) check(maxContent int) error {
	var bad []problem.Field
	switch n := utf8.RuneCountInString(p.Title); {
	case n == 0:
		bad = append(bad, problem.Field{Field: "title", Code: "required", Message: "is required"})
	case n > maxTitle:
		bad = append(bad, problem.Field{Field: "title", Code: "too_long", Message: "is longer than 200 characters"})
	}
	if utf8.RuneCountInString(p.Content) > maxContent {
		bad = append(bad, problem.Field{Field: "content", Code: "too_long", Message: "is too long"})
	}
	if len(bad) > 0 {
		return blogapi.ErrPostInvalid.With(bad...)
	}
	return nil
}

// slugify keeps letters a–z and digits and joins the rest with dashes. A title without any becomes "post".
func slugify(title string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(title) {
		if r < utf8.RuneSelf && (unicode.IsLower(r) || unicode.IsDigit(r)) {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			dash = false
			continue
		}
		dash = true
	}
	slug := b.String()
	if len(slug) > maxSlug-20 { // leaves room for a suffix
		slug = strings.TrimRight(slug[:maxSlug-20], "-")
	}
	if slug == "" {
		return "post"
	}
	return slug
}
