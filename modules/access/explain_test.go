package access_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/authz"
)

type explanation struct {
	Allowed         bool
	Verdict, Reason string
	Permission      string
	UserID          uuid.UUID `json:"user_id"`
	Roles           []string
	Rules           []rule
}

type rule struct {
	Role    string
	BuiltIn bool `json:"built_in"`
	Rule    string
	When    string
	Failed  []string
}

func TestADecisionIsExplained(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.create(t, o.owner.Token, fields{"name": "proofreader", "permissions": []string{}, "conditional": when("blog.*", "status=draft")})
	member, both, nobody := o.join(t, authz.Member), o.join(t, authz.Member, "proofreader"), uuid.New()
	own := []rule{{Role: "member", BuiltIn: true, Rule: "blog.post.update", When: "own", Failed: []string{}}}
	failed := []rule{{Role: "member", BuiltIn: true, Rule: "blog.post.update", When: "own", Failed: []string{"own"}}}
	for name, tt := range map[string]struct {
		question fields
		want     explanation
	}{
		"oneself": {
			fields{"permission": "blog.post.delete"},
			explanation{
				true, "granted", `The role "owner" holds "blog.post.delete".`, "blog.post.delete", o.owner.ID,
				[]string{"owner"},
				[]rule{{Role: "owner", BuiltIn: true, Rule: "blog.post.delete", Failed: []string{}}},
			},
		},
		"a member and an own post": {
			fields{"permission": "blog.post.update", "user_id": member.ID, "resource": fields{"owner": member.ID}},
			explanation{
				true, "granted", `The role "member" holds "blog.post.update" when own, which is true.`,
				"blog.post.update", member.ID,
				[]string{"member"},
				own,
			},
		},
		"a member and somebody's post": {
			fields{"permission": "blog.post.update", "user_id": member.ID, "resource": fields{"owner": o.owner.ID}},
			explanation{
				false, "condition_failed", `The role "member" holds "blog.post.update" when own, and this is not true: own.`,
				"blog.post.update", member.ID,
				[]string{"member"},
				failed,
			},
		},
		"a member and no post": {
			fields{"permission": "blog.post.update", "user_id": member.ID},
			explanation{
				false, "condition_failed", `The role "member" holds "blog.post.update" when own, and this is not true: own.`,
				"blog.post.update", member.ID,
				[]string{"member"},
				failed,
			},
		},
		"two roles, one of which is enough": {
			fields{"permission": "blog.post.update", "user_id": both.ID, "resource": fields{"owner": o.owner.ID, "status": "draft"}},
			explanation{
				true, "granted", `The role "proofreader" holds "blog.*" when status=draft, which is true.`,
				"blog.post.update", both.ID,
				[]string{"member", "proofreader"},
				append(slices.Clone(failed), rule{Role: "proofreader", Rule: "blog.*", When: "status=draft", Failed: []string{}}),
			},
		},
		"what no role holds": {
			fields{"permission": "blog.post.delete", "user_id": member.ID},
			explanation{
				false, "not_granted", `None of the roles member holds "blog.post.delete".`, "blog.post.delete", member.ID,
				[]string{"member"},
				[]rule{},
			},
		},
		"a stranger": {
			fields{"permission": "blog.post.read", "user_id": nobody},
			explanation{false, "no_role", "The user has no role in this tenant.", "blog.post.read", nobody, []string{}, []rule{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got explanation
			o.Want(t, http.StatusOK, ask(o.owner.Token, tt.question)).JSON(t, &got)
			require.Equal(t, tt.want, got)
		})
	}
	o.refused(t, http.StatusUnprocessableEntity, "access.permission_unknown", ask(o.owner.Token, fields{"permission": "blog.*"}))
	o.refused(t, http.StatusForbidden, "authz.denied", ask(member.Token, fields{"permission": "blog.post.read"}))
}

func ask(token string, question fields) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/authz/explain", Token: token, Body: question}
}

func TestTheCatalogueListsEveryPermission(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	type permission struct {
		Name, Description, Module string
		Roles                     []string
		Conditional               []struct{ Role, When string }
		Attributes                []string
		Grantable                 bool
	}
	var page struct{ Items []permission }
	o.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/permissions", Token: o.owner.Token}).JSON(t, &page)
	require.Len(t, page.Items, len(o.Catalog.Permissions()))
	require.True(t, slices.IsSortedFunc(page.Items, func(a, b permission) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	}))
	at := func(name string) permission {
		i := slices.IndexFunc(page.Items, func(p permission) bool { return p.Name == name })
		require.GreaterOrEqual(t, i, 0, name)
		return page.Items[i]
	}
	require.Equal(t, permission{
		Name: "blog.post.update", Description: "Change a post.", Module: "blog", Roles: []string{"owner", "admin"},
		Conditional: []struct{ Role, When string }{{"member", "own"}}, Attributes: []string{"owner", "status"}, Grantable: true,
	}, at("blog.post.update"))
	require.False(t, at("system.health.check").Grantable)
	require.Equal(t, "core", at("system.health.check").Module)
}
