package blog_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules/blog/blogapi"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

func TestAPlanBoundsWhatIsPublished(t *testing.T) {
	t.Parallel()
	var registry terms.Registry
	d := newDesk(t, testapp.Options{Extra: []fx.Option{fx.Populate(&registry)}})
	_, err := registry.SetLimits(t.Context(), d.author.TenantID, terms.Limits{
		Quotas: []quota.Limit{{Unit: blogapi.UnitPublishedPosts, Window: quota.Lifetime, Amount: 1}},
	}, nil)
	require.NoError(t, err)
	first, second := d.create(t, fields{"title": "One", "content": "1"}), d.create(t, fields{"title": "Two", "content": "2"})
	publish := func(p post) testapp.Call {
		return testapp.Call{Method: "POST", Path: p.path() + "/publish", Token: d.author.Token}
	}
	for range 2 { // twice changes nothing
		d.Want(t, http.StatusOK, publish(first))
	}
	require.Equal(t, "quota.exceeded", d.Want(t, http.StatusTooManyRequests, publish(second)).Code(t))
	require.Equal(t, "draft", d.get(t, second.ID).Status)

	draft := d.create(t, fields{"title": "Three", "content": "3"})
	d.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: draft.path(), Token: d.author.Token})
	d.Want(t, http.StatusTooManyRequests, publish(second))
	d.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: first.path(), Token: d.author.Token})
	d.Want(t, http.StatusOK, publish(second))
}

func TestAPlanWithoutFollowingKeepsPeopleFromIt(t *testing.T) {
	t.Parallel()
	var registry terms.Registry
	d := newDesk(t, testapp.Options{Extra: []fx.Option{fx.Populate(&registry)}})
	follow := testapp.Call{Method: "PUT", Path: "/api/v1/blog/following", Token: d.author.Token}
	d.Want(t, http.StatusNoContent, follow)
	_, err := registry.SetLimits(t.Context(), d.author.TenantID, terms.Limits{Withheld: []entitlement.Name{blogapi.EntFollowing}}, nil)
	require.NoError(t, err)
	require.Equal(t, "entitlement.missing", d.Want(t, http.StatusForbidden, follow).Code(t))
	require.True(t, d.follows(t, d.author).Following, "what they have is still to be seen")
}
