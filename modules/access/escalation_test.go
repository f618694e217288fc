package access_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
)

// A clerk manages roles and members and reads posts, and may nothing else.
var clerk = fields{"name": "clerk", "permissions": []string{"access.*", "blog.post.read", "identity.member.*", "identity.invitation.*"}}

func TestNobodyGivesWhatTheyDoNotHold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	own := o.create(t, o.owner.Token, clerk)
	mighty := o.create(t, o.owner.Token, fields{"name": "mighty", "permissions": []string{"blog.*"}})
	weak := o.create(t, o.owner.Token, fields{"name": "weak", "permissions": []string{"blog.post.read"}})
	user := o.join(t, "clerk")
	admin := builtIn(t, o, o.owner.Token)[1]
	require.Equal(t, authz.Admin, admin.Name)
	post := func(body fields) testapp.Call {
		return testapp.Call{Method: "POST", Path: roles, Token: user.Token, Body: body}
	}
	clone := func(r role) testapp.Call {
		return testapp.Call{Method: "POST", Path: r.path() + "/clone", Token: user.Token, Body: fields{"name": "copy"}}
	}
	before := o.Dump(t)
	for name, attack := range map[string]testapp.Call{
		"making a role with a permission":          post(fields{"name": "x", "permissions": []string{"blog.post.delete"}}),
		"making a role with a module's wildcard":   post(fields{"name": "x", "permissions": []string{"blog.*"}}),
		"making a role with a resource's wildcard": post(fields{"name": "x", "permissions": []string{"blog.post.*"}}),
		"making a role with everything":            post(fields{"name": "x", "permissions": []string{"*"}}),
		"making a role under a condition":          post(fields{"name": "x", "permissions": []string{}, "conditional": when("blog.post.update", "own")}),
		"making a role with the operator's":        post(fields{"name": "x", "permissions": []string{"system.health.check"}}),
		"adding to the own role":                   o.patch(user.Token, own, fields{"permissions": []string{"access.*", "blog.*"}}),
		"adding to another role":                   o.patch(user.Token, weak, fields{"permissions": []string{"blog.post.delete"}}),
		"adding a condition":                       o.patch(user.Token, weak, fields{"conditional": when("blog.post.update", "days=mon-sun")}),
		"renaming a mightier role":                 o.patch(user.Token, mighty, fields{"name": "puny"}),
		"describing a mightier role":               o.patch(user.Token, mighty, fields{"description": "Mine."}),
		"reducing a mightier role":                 o.patch(user.Token, mighty, fields{"permissions": []string{"blog.post.read"}}),
		"deleting a mightier role":                 {Method: "DELETE", Path: mighty.path(), Token: user.Token},
		"cloning a mightier role":                  clone(mighty),
		"cloning a built-in role":                  clone(admin),
		"giving oneself a mightier role":           {Method: "PATCH", Path: "/api/v1/members/" + user.ID.String(), Token: user.Token, Body: fields{"roles": []string{"clerk", "mighty"}}},
		"giving oneself everything":                {Method: "PATCH", Path: "/api/v1/members/" + user.ID.String(), Token: user.Token, Body: fields{"roles": []string{"owner"}}},
		"inviting somebody to a mightier role":     {Method: "POST", Path: "/api/v1/invitations", Token: user.Token, Body: fields{"email": "friend@example.com", "roles": []string{"mighty"}}},
		"inviting somebody to a built-in role":     {Method: "POST", Path: "/api/v1/invitations", Token: user.Token, Body: fields{"email": "friend@example.com", "roles": []string{"admin"}}},
	} {
		answer := o.Do(t, attack)
		require.Equal(t, http.StatusForbidden, answer.Status, "%s: %s", name, answer.Body)
		require.Equal(t, "access.permission_not_held", answer.Code(t), name)
	}
	require.Equal(t, before, o.Dump(t))

	o.create(t, user.Token, fields{"name": "reader", "permissions": []string{"blog.post.read", "access.role.*"}})
	read(t, o.Want(t, http.StatusCreated, clone(weak)))
	o.Want(t, http.StatusOK, o.patch(user.Token, weak, fields{"permissions": []string{}}))
}

func TestAnOwnerGivesEverythingButTheOperators(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.create(t, o.owner.Token, fields{"name": "all", "permissions": []string{"*"}})
	answer := o.refused(t, http.StatusForbidden, "access.permission_not_held", testapp.Call{
		Method: "POST", Path: roles, Token: o.owner.Token, Body: fields{"name": "probe", "permissions": []string{"system.health.check"}},
	})
	require.Contains(t, string(answer.Body), "system.health.check")
	user := o.join(t, "all")
	held, err := o.Grants.Permissions(t.Context(), user.TenantID, user.ID)
	require.NoError(t, err)
	require.Contains(t, held, blogapi.PermPostDelete)
	require.NotContains(t, held, perm.Permission("system.health.check"))

	// The operator cannot do it either: a role of any tenant is a tenant's role.
	admin, _ := o.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	o.refused(t, http.StatusForbidden, "access.permission_not_held", testapp.Call{
		Method: "POST", Path: roles, Token: admin, Body: fields{"name": "probe", "permissions": []string{"system.health.check"}},
	})
	// Nor is a copy of the operator's role a way to it.
	operators := builtIn(t, o, admin)
	o.refused(t, http.StatusForbidden, "access.permission_not_held", testapp.Call{
		Method: "POST", Path: operators[4].path() + "/clone", Token: admin, Body: fields{"name": "probe"},
	})
}

func TestWhoHoldsSomethingUnderAConditionGivesNoMore(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.create(t, o.owner.Token, fields{
		"name": "clerk", "permissions": []string{"access.*"}, "conditional": when("blog.post.update", "own"),
	})
	user := o.join(t, "clerk")
	for name, body := range map[string]fields{
		"without the condition":  {"name": "x", "permissions": []string{"blog.post.update"}},
		"under another one":      {"name": "x", "permissions": []string{}, "conditional": when("blog.post.update", "status=draft")},
		"under a time window":    {"name": "x", "permissions": []string{}, "conditional": when("blog.post.update", "days=mon-fri")},
		"with a wider condition": {"name": "x", "permissions": []string{}, "conditional": when("blog.post.*", "own")},
	} {
		answer := o.Do(t, testapp.Call{Method: "POST", Path: roles, Token: user.Token, Body: body})
		require.Equal(t, http.StatusForbidden, answer.Status, name)
		require.Equal(t, "access.permission_not_held", answer.Code(t), name)
	}
	o.create(t, user.Token, fields{"name": "same", "permissions": []string{}, "conditional": when("blog.post.update", "own")})
	o.create(t, user.Token, fields{"name": "less", "permissions": []string{}, "conditional": when("blog.post.update", "own and status=draft")})
}

func TestARoleOfAnotherTenantIsNotThere(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	other := o.Register(t, "oscar")
	theirs := o.create(t, other.Token, fields{"name": "editor", "permissions": []string{"blog.*"}})
	for _, call := range []testapp.Call{
		{Path: theirs.path()},
		{Method: "PATCH", Path: theirs.path(), Body: fields{"permissions": []string{}}},
		{Method: "DELETE", Path: theirs.path() + "?unassign=true"},
		{Method: "POST", Path: theirs.path() + "/clone", Body: fields{"name": "mine"}},
	} {
		call.Token = o.owner.Token
		o.refused(t, http.StatusNotFound, "access.role_not_found", call)
	}
	o.create(t, o.owner.Token, fields{"name": "editor", "permissions": []string{"blog.*"}})
}
