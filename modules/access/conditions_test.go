package access_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/authz"
)

const posts = "/api/v1/blog/posts"

// write returns the path of a new post of somebody.
func (o *office) write(t *testing.T, token string) string {
	t.Helper()
	return o.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: posts, Token: token, Body: fields{"title": "A post"},
	}).Header.Get("Location")
}

// edit changes any version of a post.
func edit(token, path string) testapp.Call {
	return testapp.Call{Method: "PATCH", Path: path, Token: token, Body: fields{"content": "New."}, Header: map[string]string{"If-Match": "*"}}
}

func TestAMemberChangesOwnPostsOnly(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	member, admin, viewer := o.join(t, authz.Member), o.join(t, authz.Admin), o.join(t, authz.Viewer)
	own, others := o.write(t, member.Token), o.write(t, o.owner.Token)

	o.Want(t, http.StatusOK, edit(member.Token, own))
	before := o.Dump(t)
	o.refused(t, http.StatusForbidden, "authz.denied", edit(member.Token, others))
	o.refused(t, http.StatusForbidden, "authz.denied", edit(viewer.Token, own))
	stale := edit(member.Token, others)
	stale.Header["If-Match"] = `"7"`
	o.refused(t, http.StatusForbidden, "authz.denied", stale)
	require.Equal(t, before, o.Dump(t))
	for _, path := range []string{own, others} {
		o.Want(t, http.StatusOK, edit(o.owner.Token, path))
		o.Want(t, http.StatusOK, edit(admin.Token, path))
	}
	trail := o.Rows(t, "SELECT outcome FROM audit_events WHERE permission = 'blog.post.update' AND outcome = 'denied'")
	require.Len(t, trail, 3)
}

func TestARoleHoldsAPermissionForSomeResourcesOnly(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	made := o.create(t, o.owner.Token, fields{
		"name": "proofreader", "permissions": []string{"blog.post.read"}, "conditional": when("blog.*", "status=draft"),
	})
	user := o.join(t, "proofreader")
	draft, published := o.write(t, o.owner.Token), o.write(t, o.owner.Token)
	o.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: published + "/publish", Token: o.owner.Token})

	o.Want(t, http.StatusOK, edit(user.Token, draft))
	o.refused(t, http.StatusForbidden, "authz.denied", edit(user.Token, published))
	o.Want(t, http.StatusOK, testapp.Call{Path: published, Token: user.Token})
	// Nothing else asks about the resource, so that the rest of the wildcard counts as denied there.
	o.refused(t, http.StatusForbidden, "authz.denied", testapp.Call{Method: "DELETE", Path: draft, Token: user.Token})
	o.refused(t, http.StatusForbidden, "authz.denied", testapp.Call{Method: "POST", Path: draft + "/publish", Token: user.Token})

	o.Want(t, http.StatusOK, o.patch(o.owner.Token, made, fields{"conditional": when("blog.post.update", "own")}))
	o.refused(t, http.StatusForbidden, "authz.denied", edit(user.Token, draft))
	o.Want(t, http.StatusOK, o.patch(o.owner.Token, made, fields{"permissions": []string{"blog.post.update"}}))
	o.Want(t, http.StatusOK, edit(user.Token, draft))
}

func TestATimeWindowNeedsNoResource(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	made := o.create(t, o.owner.Token, fields{
		"name": "temp", "permissions": []string{}, "conditional": when("blog.post.*", "until=2020-01-01T00:00:00Z"),
	})
	user := o.join(t, "temp")
	list := testapp.Call{Path: posts, Token: user.Token}
	post := o.write(t, o.owner.Token)
	o.refused(t, http.StatusForbidden, "authz.denied", list)
	o.refused(t, http.StatusForbidden, "authz.denied", edit(user.Token, post))
	o.Want(t, http.StatusOK, o.patch(o.owner.Token, made, fields{"conditional": when("blog.post.*", "from=2020-01-01T00:00:00Z and days=mon-sun")}))
	o.Want(t, http.StatusOK, list)
	o.Want(t, http.StatusOK, edit(user.Token, post))
}
