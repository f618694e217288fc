package blog_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

const posts = "/api/v1/blog/posts"

// desk is a platform and somebody who writes on it.
type desk struct {
	*testapp.App
	author testapp.User
}

func newDesk(t *testing.T, options ...testapp.Options) *desk {
	t.Helper()
	app := testapp.New(t, modules.All(), options...)
	return &desk{App: app, author: app.Register(t, "ada")}
}

type post struct {
	ID          uuid.UUID
	Title       string
	Slug        string
	Content     string
	Status      string
	AuthorID    uuid.UUID  `json:"author_id"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	PublishedAt *time.Time `json:"published_at"`

	etag string
}

func (p post) path() string { return posts + "/" + p.ID.String() }

// fields are the JSON of a request.
type fields = map[string]any

func (d *desk) read(t *testing.T, answer testapp.Answer) post {
	t.Helper()
	var p post
	answer.JSON(t, &p)
	p.etag = answer.Header.Get("ETag")
	return p
}

func (d *desk) create(t *testing.T, body fields) post {
	t.Helper()
	return d.read(t, d.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: posts, Token: d.author.Token, Body: body}))
}

func (d *desk) get(t *testing.T, id uuid.UUID) post {
	t.Helper()
	return d.read(t, d.Want(t, http.StatusOK, testapp.Call{Path: posts + "/" + id.String(), Token: d.author.Token}))
}

// patch is a call that changes p, if it still has the given ETag; an empty one is not sent.
func (d *desk) patch(p post, etag string, body fields) testapp.Call {
	call := testapp.Call{Method: "PATCH", Path: p.path(), Token: d.author.Token, Body: body, Header: map[string]string{}}
	if etag != "" {
		call.Header["If-Match"] = etag
	}
	return call
}

type list struct {
	Items      []post
	NextCursor *string `json:"next_cursor"`
}

func (d *desk) list(t *testing.T, query string) list {
	t.Helper()
	var page list
	d.Want(t, http.StatusOK, testapp.Call{Path: posts + query, Token: d.author.Token}).JSON(t, &page)
	return page
}

func (l list) titles() []string {
	titles := []string{}
	for _, p := range l.Items {
		titles = append(titles, p.Title)
	}
	return titles
}
