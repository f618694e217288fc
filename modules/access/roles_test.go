package access_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/authz"
)

func TestARoleIsMadeReadChangedAndDeleted(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	answer := o.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: roles, Token: o.owner.Token, Body: fields{
		"name": "Chief editor", "description": "Runs the blog.", "permissions": []string{"blog.post.read", "blog.post.create", "blog.post.read"},
		"conditional": []fields{{"permission": "blog.post.update", "when": "status=draft and own"}},
	}})
	made := read(t, answer)
	require.Equal(t, made.path(), answer.Header.Get("Location"))
	require.NotEmpty(t, made.etag)
	require.Equal(t, "Chief editor", made.Name)
	require.Equal(t, "Runs the blog.", made.Description)
	require.False(t, made.BuiltIn)
	require.Equal(t, []string{"blog.post.create", "blog.post.read"}, made.Permissions, "sorted, each once")
	require.Equal(t, []grant{{"blog.post.update", "own and status=draft"}}, made.Conditional, "in one spelling")
	require.Equal(t, made, o.get(t, made.ID))

	same := read(t, o.Want(t, http.StatusOK, o.patch(o.owner.Token, made, fields{"description": "Runs the blog."})))
	require.Equal(t, made.etag, same.etag, "nothing changed")

	call := o.patch(o.owner.Token, made, fields{"permissions": []string{"blog.*"}, "conditional": []fields{}})
	call.Header = map[string]string{"If-Match": made.etag}
	changed := read(t, o.Want(t, http.StatusOK, call))
	require.Equal(t, []string{"blog.*"}, changed.Permissions)
	require.Empty(t, changed.Conditional)
	require.Equal(t, "Chief editor", changed.Name)
	require.NotEqual(t, made.etag, changed.etag)
	require.Equal(t, changed, o.get(t, made.ID))
	o.refused(t, http.StatusPreconditionFailed, "access.role_changed", call)

	o.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: made.path(), Token: o.owner.Token})
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		call := testapp.Call{Method: method, Path: made.path(), Token: o.owner.Token}
		if method == "PATCH" {
			call.Body = fields{"description": ""}
		}
		o.refused(t, http.StatusNotFound, "access.role_not_found", call)
	}
}

func TestRolesAreListedInPages(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	want := []string{authz.Owner, authz.Admin, authz.Member, authz.Viewer}
	for _, name := range []string{"zoo", "alpha", "Middle"} {
		o.create(t, o.owner.Token, fields{"name": name, "permissions": []string{}})
		want = append(want, name)
	}
	for _, query := range []string{"", "?limit=1", "?limit=3", "?limit=4", "?limit=5"} {
		var names []string
		path := roles + query
		for {
			var page struct {
				Items []role
				Next  *string `json:"next_cursor"`
			}
			o.Want(t, http.StatusOK, testapp.Call{Path: path, Token: o.owner.Token}).JSON(t, &page)
			for _, r := range page.Items {
				names = append(names, r.Name)
				require.Equal(t, len(names) <= 4, r.BuiltIn)
				require.Equal(t, r.Permissions, o.get(t, r.ID).Permissions)
			}
			if page.Next == nil {
				break
			}
			path = roles + query + "&cursor=" + *page.Next
		}
		require.Equal(t, want, names, query)
	}
}

func TestABuiltInRoleCannotBeChanged(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, r := range builtIn(t, o, o.owner.Token) {
		require.NotEmpty(t, r.Description)
		o.refused(t, http.StatusConflict, "access.role_built_in", o.patch(o.owner.Token, r, fields{"permissions": []string{"blog.*"}}))
		o.refused(t, http.StatusConflict, "access.role_built_in", testapp.Call{Method: "DELETE", Path: r.path(), Token: o.owner.Token})
		for _, name := range []string{r.Name, strings.ToUpper(r.Name)} {
			o.refused(t, http.StatusConflict, "access.role_name_taken", testapp.Call{
				Method: "POST", Path: roles, Token: o.owner.Token, Body: fields{"name": name, "permissions": []string{}},
			})
		}
	}
	admin, _ := o.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	operators := builtIn(t, o, admin)
	require.Len(t, operators, 5, "the operator sees the operator's role")
	o.refused(t, http.StatusConflict, "access.role_built_in", testapp.Call{Method: "DELETE", Path: operators[4].path(), Token: admin})
	o.refused(t, http.StatusNotFound, "access.role_not_found", testapp.Call{Path: operators[4].path(), Token: o.owner.Token})
	o.refused(t, http.StatusNotFound, "access.role_not_found", testapp.Call{Method: "DELETE", Path: operators[4].path(), Token: o.owner.Token})
}

func builtIn(t *testing.T, o *office, token string) (list []role) {
	t.Helper()
	var page struct{ Items []role }
	o.Want(t, http.StatusOK, testapp.Call{Path: roles, Token: token}).JSON(t, &page)
	for _, r := range page.Items {
		if r.BuiltIn {
			list = append(list, r)
		}
	}
	return list
}

func TestWhatARoleCannotBe(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.create(t, o.owner.Token, fields{"name": "editor", "permissions": []string{}})
	long := strings.Repeat("a", 64)
	for name, tt := range map[string]struct {
		body   fields
		status int
		code   string
		named  string
	}{
		"a name that is taken":              {fields{"name": "editor"}, 409, "access.role_name_taken", ""},
		"a name that differs in case only":  {fields{"name": "EDITOR"}, 409, "access.role_name_taken", ""},
		"a name with a comma":               {fields{"name": "a,b"}, 422, "access.role_invalid", "name"},
		"a name with a line break":          {fields{"name": "a\nb"}, 422, "access.role_invalid", "name"},
		"a name of another alphabet":        {fields{"name": "оwner"}, 422, "access.role_invalid", "name"},
		"a name that looks like a user":     {fields{"name": "a" + uuid.NewString()[1:]}, 422, "access.role_invalid", "name"},
		"a name that is too long":           {fields{"name": long}, 422, "request.invalid", "name"},
		"no name":                           {fields{"name": ""}, 422, "request.invalid", "name"},
		"a description with a bell":         {fields{"name": "x", "description": "\a"}, 422, "access.role_invalid", "description"},
		"a permission that nobody declares": {fields{"name": "x", "permissions": []string{"blog.post.read", "blog.post.eat"}}, 422, "access.permission_unknown", "blog.post.eat"},
		"a wildcard for nothing":            {fields{"name": "x", "permissions": []string{"shop.*"}}, 422, "access.permission_unknown", "shop.*"},
		"a wildcard in the middle":          {fields{"name": "x", "permissions": []string{"blog.*.read"}}, 422, "access.permission_unknown", "blog.*.read"},
		"no permission at all":              {fields{"name": "x", "permissions": []string{"nonsense"}}, 422, "access.permission_unknown", "nonsense"},
		"SQL for a permission":              {fields{"name": "x", "permissions": []string{"'; DROP TABLE authz_rules; --"}}, 422, "access.permission_unknown", "DROP TABLE"},
		"a condition that cannot be read":   {fields{"name": "x", "conditional": when("blog.post.update", "perhaps")}, 422, "access.condition_invalid", "perhaps"},
		"a condition that is over":          {fields{"name": "x", "conditional": when("blog.post.read", "from=2026-01-02T00:00:00Z and until=2026-01-01T00:00:00Z")}, 422, "access.condition_invalid", "over"},
		"an attribute that is not there":    {fields{"name": "x", "conditional": when("blog.post.update", "color=red")}, 422, "access.condition_invalid", "color"},
		"a permission without attributes":   {fields{"name": "x", "conditional": when("blog.post.read", "own")}, 422, "access.condition_invalid", "owner"},
		"a condition on an unknown":         {fields{"name": "x", "conditional": when("blog.post.eat", "own")}, 422, "access.permission_unknown", "blog.post.eat"},
		"somebody else's tenant":            {fields{"name": "x", "tenant_id": uuid.NewString()}, 422, "request.invalid", "tenant_id"},
		"a role that is built in":           {fields{"name": "x", "built_in": true}, 422, "request.invalid", "built_in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.body["permissions"] == nil {
				tt.body["permissions"] = []string{}
			}
			answer := o.refused(t, tt.status, tt.code, testapp.Call{Method: "POST", Path: roles, Token: o.owner.Token, Body: tt.body})
			require.Contains(t, string(answer.Body), tt.named)
		})
	}
}

func when(permission, condition string) []fields {
	return []fields{{"permission": permission, "when": condition}}
}

func TestARoleThatSomebodyHasIsKept(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	editor := o.create(t, o.owner.Token, fields{"name": "editor", "permissions": []string{"blog.*"}})
	user := o.join(t, "editor")
	post := testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: user.Token, Body: fields{"title": "One"}}
	o.Want(t, http.StatusCreated, post)

	drop := testapp.Call{Method: "DELETE", Path: editor.path(), Token: o.owner.Token}
	o.refused(t, http.StatusConflict, "access.role_assigned", drop)
	o.Want(t, http.StatusCreated, post)

	renamed := read(t, o.Want(t, http.StatusOK, o.patch(o.owner.Token, editor, fields{"name": "Author"})))
	require.Equal(t, "Author", renamed.Name)
	require.Equal(t, editor.Permissions, renamed.Permissions)
	held, err := o.Grants.Roles(t.Context(), user.TenantID, user.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"Author"}, held, "who has the role keeps it")
	o.Want(t, http.StatusCreated, post)

	drop.Path += "?unassign=true"
	o.Want(t, http.StatusNoContent, drop)
	o.refused(t, http.StatusForbidden, "authz.denied", post)
	held, err = o.Grants.Roles(t.Context(), user.TenantID, user.ID)
	require.NoError(t, err)
	require.Empty(t, held)
}

func TestAChangedRoleCountsOnTheNextRequest(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	editor := o.create(t, o.owner.Token, fields{"name": "editor", "permissions": []string{"blog.post.read"}})
	user := o.join(t, "editor")
	post := testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: user.Token, Body: fields{"title": "One"}}
	for range 3 {
		o.refused(t, http.StatusForbidden, "authz.denied", post)
		o.Want(t, http.StatusOK, o.patch(o.owner.Token, editor, fields{"permissions": []string{"blog.*"}}))
		o.Want(t, http.StatusCreated, post)
		o.Want(t, http.StatusOK, o.patch(o.owner.Token, editor, fields{"permissions": []string{}}))
	}
}

func TestTwoWhoMakeOneRoleMakeItOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	statuses := make([]int, 6)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() {
			statuses[i] = o.Do(t, testapp.Call{
				Method: "POST", Path: roles, Token: o.owner.Token, Body: fields{"name": "editor", "permissions": []string{"blog.*"}},
			}).Status
		})
	}
	all.Wait()
	made := 0
	for _, status := range statuses {
		require.Contains(t, []int{http.StatusCreated, http.StatusConflict}, status)
		if status == http.StatusCreated {
			made++
		}
	}
	require.Equal(t, 1, made)
}
