package blog_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

func TestTheLifeOfAPost(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	began := time.Now().Add(-time.Second)

	answer := d.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: posts, Token: d.author.Token, Body: fields{"title": "  Hello, World! ", "content": "It's\n\"here\" – ünïcode 🎉"},
	})
	created := d.read(t, answer)
	require.Equal(t, created.path(), answer.Header.Get("Location"))
	require.Equal(t, "Hello, World!", created.Title)
	require.Equal(t, "hello-world", created.Slug)
	require.Equal(t, "It's\n\"here\" – ünïcode 🎉", created.Content)
	require.Equal(t, "draft", created.Status)
	require.Equal(t, d.author.ID, created.AuthorID)
	require.WithinRange(t, created.CreatedAt, began, time.Now())
	require.Equal(t, created.CreatedAt, created.UpdatedAt)
	require.Nil(t, created.PublishedAt)
	require.NotEmpty(t, created.etag)

	// What was answered is what was kept.
	require.Equal(t, created, d.get(t, created.ID))

	changed := d.read(t, d.Want(t, http.StatusOK, d.patch(created, created.etag, fields{"content": "", "slug": "hello"})))
	require.NotEqual(t, created.etag, changed.etag)
	require.Empty(t, changed.Content)
	require.Equal(t, "hello", changed.Slug)
	require.Equal(t, created.Title, changed.Title, "a field that is left out stays")
	require.Equal(t, created.CreatedAt, changed.CreatedAt)
	require.False(t, changed.UpdatedAt.Before(created.UpdatedAt))
	require.Equal(t, changed, d.get(t, created.ID))

	publish := testapp.Call{Method: "POST", Path: created.path() + "/publish", Token: d.author.Token}
	published := d.read(t, d.Want(t, http.StatusOK, publish))
	require.Equal(t, "published", published.Status)
	require.NotNil(t, published.PublishedAt)
	require.NotEqual(t, changed.etag, published.etag)
	require.Equal(t, published, d.read(t, d.Want(t, http.StatusOK, publish)), "publishing again changes nothing")

	remove := testapp.Call{Method: "DELETE", Path: created.path(), Token: d.author.Token}
	require.Empty(t, d.Want(t, http.StatusNoContent, remove).Body)
	require.Equal(t, "blog.post_not_found", d.Want(t, http.StatusNotFound, remove).Code(t))
	require.Equal(t, "blog.post_not_found", d.Want(t, http.StatusNotFound, publish).Code(t))
	require.Equal(t, "blog.post_not_found", d.Want(t, http.StatusNotFound, d.patch(created, "*", fields{"title": "x"})).Code(t))
	require.Equal(t, "blog.post_not_found", d.Want(t, http.StatusNotFound, testapp.Call{Path: created.path(), Token: d.author.Token}).Code(t))
	require.Empty(t, d.list(t, "").Items)
}

func TestAChangeNeedsTheVersionThatWasRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.create(t, fields{"title": "First"})

	answer := d.Want(t, http.StatusPreconditionRequired, d.patch(p, "", fields{"title": "x"}))
	require.Equal(t, "blog.if_match_required", answer.Code(t))
	for name, tag := range map[string]string{
		"another version": `"99"`, "a weak tag": "W/" + p.etag, "no quotes": strings.Trim(p.etag, `"`), "nonsense": "%%%",
	} {
		answer := d.Want(t, http.StatusPreconditionFailed, d.patch(p, tag, fields{"title": "x"}))
		require.Equal(t, "blog.post_changed", answer.Code(t), name)
	}
	require.Equal(t, p, d.get(t, p.ID))

	second := d.read(t, d.Want(t, http.StatusOK, d.patch(p, p.etag, fields{"title": "Second"})))
	d.Want(t, http.StatusPreconditionFailed, d.patch(p, p.etag, fields{"title": "Lost"}))
	third := d.read(t, d.Want(t, http.StatusOK, d.patch(p, `"99", `+second.etag, fields{"title": "Third"})))
	fourth := d.read(t, d.Want(t, http.StatusOK, d.patch(p, "*", fields{"title": "Fourth"})))
	require.NotEqual(t, third.etag, fourth.etag)
	require.Equal(t, "Fourth", d.get(t, p.ID).Title)
}

func TestADerivedSlugIsSuffixedUntilItIsFree(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Equal(t, "a-title", d.create(t, fields{"title": "A title"}).Slug)
	require.Equal(t, "a-title-2", d.create(t, fields{"title": "A title"}).Slug)
	require.Equal(t, "a-title-3", d.create(t, fields{"title": "a: TITLE?"}).Slug)
	for range 4 {
		require.Regexp(t, "^a-title-[a-z0-9]+$", d.create(t, fields{"title": "A title"}).Slug)
	}
	require.Equal(t, "post", d.create(t, fields{"title": "日本語"}).Slug)
	require.Equal(t, "post-2", d.create(t, fields{"title": "!!!"}).Slug)
	long := d.create(t, fields{"title": strings.Repeat("ab ", 66)})
	require.LessOrEqual(t, len(long.Slug), 200)
	require.Regexp(t, "^[a-z0-9]+(-[a-z0-9]+)*$", long.Slug)
	require.NotEqual(t, long.Slug, d.create(t, fields{"title": strings.Repeat("ab ", 66)}).Slug)
}

func TestAGivenSlugMustBeFree(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.create(t, fields{"title": "One", "slug": "taken"})
	require.Equal(t, "taken", first.Slug)
	second := d.create(t, fields{"title": "Two"})

	again := testapp.Call{Method: "POST", Path: posts, Token: d.author.Token, Body: fields{"title": "Three", "slug": "taken"}}
	require.Equal(t, "blog.slug_taken", d.Want(t, http.StatusConflict, again).Code(t))
	answer := d.Want(t, http.StatusConflict, d.patch(second, second.etag, fields{"slug": "taken", "title": "Changed"}))
	require.Equal(t, "blog.slug_taken", answer.Code(t))
	require.Equal(t, second, d.get(t, second.ID), "nothing of a refused change is kept")
	d.Want(t, http.StatusOK, d.patch(first, first.etag, fields{"slug": "taken"})) // one's own is free

	// Another tenant's slugs are its own.
	other := d.Register(t, "other")
	again.Token = other.Token
	require.Equal(t, "taken", d.read(t, d.Want(t, http.StatusCreated, again)).Slug)

	// A deleted post's slug is free again.
	d.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: first.path(), Token: d.author.Token})
	again.Token = d.author.Token
	d.Want(t, http.StatusCreated, again)
}

func TestASecondTenantSeesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.create(t, fields{"title": "Ours", "content": "secret"})
	other := d.Register(t, "eve")
	before := d.Dump(t)
	for _, call := range []testapp.Call{
		{Path: p.path()},
		{Method: "PATCH", Path: p.path(), Body: fields{"title": "Theirs"}, Header: map[string]string{"If-Match": "*"}},
		{Method: "DELETE", Path: p.path()},
		{Method: "POST", Path: p.path() + "/publish"},
	} {
		call.Token = other.Token
		require.Equal(t, "blog.post_not_found", d.Want(t, http.StatusNotFound, call).Code(t))
	}
	require.Equal(t, before, d.Dump(t))
	var page list
	d.Want(t, http.StatusOK, testapp.Call{Path: posts + "?author=" + d.author.ID.String(), Token: other.Token}).JSON(t, &page)
	require.Empty(t, page.Items)
	require.Nil(t, page.NextCursor)
}

func TestTheConfiguredLengthOfContentCounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testapp.Options{Set: []string{"blog.max_content=5"}})
	p := d.create(t, fields{"title": "Short", "content": "ünïcø"})
	answer := d.Want(t, http.StatusUnprocessableEntity, d.patch(p, p.etag, fields{"content": "123456"}))
	require.Equal(t, "blog.post_invalid", answer.Code(t))
	require.Equal(t, p, d.get(t, p.ID))
}
