package blog_test

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
)

// patience is for what happens behind a request, on a machine that is busy with other tests.
const patience = 60 * time.Second

func (d *desk) publish(t *testing.T, p post) {
	t.Helper()
	d.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: p.path() + "/publish", Token: d.author.Token})
}

// finds waits until a search finds exactly these titles, newest first.
func (d *desk) finds(t *testing.T, words string, titles ...string) {
	t.Helper()
	var found []string
	require.Eventually(t, func() bool {
		found = d.list(t, "?q="+url.QueryEscape(words)).titles()
		return fmt.Sprint(found) == fmt.Sprint(titles)
	}, patience, 10*time.Millisecond, "%s: %v", words, titles)
}

func TestAPublishedPostIsFoundByItsWords(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.create(t, fields{"title": "Green tea", "content": "Sencha from Kyoto 東京"})
	d.create(t, fields{"title": "A draft about tea"})
	require.Empty(t, d.list(t, "?q=tea").Items, "nothing is published")

	d.publish(t, p)
	d.finds(t, "TEA kyoto", "Green tea")
	d.finds(t, "京", "Green tea")
	require.Empty(t, d.list(t, "?q=tea+coffee").Items, "every word counts")
	require.Empty(t, d.list(t, "?q=%21%3F").Items, "there is no word in it")

	changed := d.get(t, p.ID)
	d.Want(t, http.StatusOK, d.patch(changed, changed.etag, fields{"content": "Assam"}))
	d.finds(t, "assam", "Green tea")
	require.Empty(t, d.list(t, "?q=kyoto").Items, "the word is gone from it")

	other := d.Register(t, "eve")
	var page list
	d.Want(t, http.StatusOK, testapp.Call{Path: posts + "?q=tea", Token: other.Token}).JSON(t, &page)
	require.Empty(t, page.Items, "it is another tenant's")

	d.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: p.path(), Token: d.author.Token})
	require.Empty(t, d.list(t, "?q=tea").Items)
	require.Empty(t, d.Rows(t, "SELECT term FROM blog_terms"))
}

func TestThereIsOneJobForEachPostThatIsPublished(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const n = 10
	var publishing sync.WaitGroup
	for i := range n {
		p := d.create(t, fields{"title": fmt.Sprintf("Post %d", i)})
		for range 3 { // of those at once, one publishes
			publishing.Go(func() { d.publish(t, p) })
		}
	}
	publishing.Wait()
	const kind = "SELECT id FROM jobs_jobs WHERE kind = 'blog.index_post'"
	require.Eventually(t, func() bool { return len(d.Rows(t, kind+" AND state = 6")) == n }, patience, 10*time.Millisecond)
	require.Len(t, d.Rows(t, kind), n)
	require.Len(t, d.Rows(t, "SELECT id FROM blog_terms WHERE term = 'post'"), n)
	require.Len(t, d.Rows(t, "SELECT id FROM outbox_events WHERE topic = 'blog.post.published'"), n)
}

const following = "/api/v1/blog/following"

func (d *desk) follow(t *testing.T, method string, user testapp.User) {
	t.Helper()
	d.Want(t, http.StatusNoContent, testapp.Call{Method: method, Path: following, Token: user.Token})
}

func (d *desk) follows(t *testing.T, user testapp.User) (f struct{ Following bool }) {
	t.Helper()
	d.Want(t, http.StatusOK, testapp.Call{Path: following, Token: user.Token}).JSON(t, &f)
	return f
}

func TestFollowersAreToldOfNewPosts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	bob, carol := d.member(t, "bob"), d.member(t, "carol")
	for range 2 {
		d.follow(t, "PUT", bob)
		d.follow(t, "PUT", carol)
		d.follow(t, "PUT", d.author)
	}
	require.True(t, d.follows(t, bob).Following)
	d.follow(t, "DELETE", carol)
	require.False(t, d.follows(t, carol).Following)

	dave := d.member(t, "dave")
	d.follow(t, "PUT", dave)
	d.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/roles", Token: d.author.Token, Body: fields{"name": "listener", "permissions": []string{"identity.member.read"}},
	})
	d.Want(t, http.StatusOK, testapp.Call{
		Method: "PATCH", Path: "/api/v1/members/" + dave.ID.String(), Token: d.author.Token, Body: fields{"roles": []string{"listener"}},
	})

	p := d.create(t, fields{"title": "Green tea"})
	d.publish(t, p)
	d.publish(t, p)
	require.Eventually(t, func() bool { return len(d.inbox(t, bob)) == 1 }, patience, 10*time.Millisecond)
	require.Equal(t, []string{"New post: Green tea"}, d.inbox(t, bob))
	require.Empty(t, d.inbox(t, carol), "she no longer follows")
	require.Empty(t, d.Rows(t, "SELECT id FROM notify_notifications WHERE user_id = '"+dave.ID.String()+"' AND template LIKE 'blog.%'"), "he may no longer read posts")
	require.Empty(t, d.inbox(t, d.author), "authors know of their own posts")
}

func TestFollowersGetADigestOfTheDayBefore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	bob := d.member(t, "bob")
	d.follow(t, "PUT", bob)
	yesterday := time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)
	for i, at := range []time.Time{yesterday, yesterday.Add(time.Hour), yesterday.Add(-24 * time.Hour), yesterday.Add(24 * time.Hour)} {
		p := d.create(t, fields{"title": fmt.Sprintf("Post %d", i)})
		d.publish(t, p)
		d.Tamper(t, fmt.Sprintf("UPDATE blog_posts SET published_at = '%s' WHERE id = '%s'", at.Format("2006-01-02 15:04:05+00:00"), p.ID))
	}
	admin, _ := d.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	for range 2 { // a second run of the night changes nothing
		d.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: "/api/v1/ops/schedules/blog.nightly_digest/run", Token: admin})
	}
	letter := d.Mail(t, bob.Email, "blog.digest")
	require.Equal(t, "What was published on "+yesterday.Format(time.DateOnly), letter.Subject)
	require.Contains(t, letter.Text, "- Post 0\n- Post 1")
	require.NotContains(t, letter.Text, "Post 2")
	require.NotContains(t, letter.Text, "Post 3")
	require.NotEmpty(t, letter.Header.Get("List-Unsubscribe"))
	require.Eventually(t, func() bool {
		return len(d.Rows(t, "SELECT id FROM jobs_jobs WHERE kind = 'blog.make_digests' AND state = 6")) == 2
	}, patience, 10*time.Millisecond)
	require.Len(t, d.Rows(t, "SELECT id FROM jobs_jobs WHERE kind = 'blog.make_digest'"), 1)
}

func TestWhoLeavesNoLongerFollows(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	bob := d.member(t, "bob")
	d.follow(t, "PUT", bob)
	d.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: "/api/v1/members/" + bob.ID.String(), Token: d.author.Token})
	require.Empty(t, d.Rows(t, "SELECT id FROM blog_followers"))
}
