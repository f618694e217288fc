package usage_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

const path = "/api/v1/usage"

func TestMain(m *testing.M) { testapp.VerifyNoLeaks(m) }

type fields = map[string]any

// office is a platform whose operator can be asked for other terms.
type office struct {
	*testapp.App
	terms terms.Registry
}

func newOffice(t *testing.T, set ...string) *office {
	t.Helper()
	o := &office{}
	o.App = testapp.New(t, modules.All(), testapp.Options{Set: set, Extra: []fx.Option{fx.Populate(&o.terms)}})
	return o
}

func (o *office) grant(t *testing.T, id uuid.UUID, l terms.Limits) {
	t.Helper()
	_, err := o.terms.SetLimits(t.Context(), id, l, nil)
	require.NoError(t, err)
}

func requests(w quota.Window, n int64) quota.Limit {
	return quota.Limit{Unit: quota.Requests, Window: w, Amount: n}
}

func (o *office) usage(t *testing.T, token string) fields {
	t.Helper()
	var body fields
	o.Want(t, http.StatusOK, testapp.Call{Path: path, Token: token}).JSON(t, &body)
	return body
}

// quotas are what is shown of requests, by window.
func quotas(body fields) map[string]fields {
	all := map[string]fields{}
	for _, q := range body["quotas"].([]any) {
		if use := q.(fields); use["unit"] == "requests" {
			all[use["window"].(string)] = use
		}
	}
	return all
}

func TestATenantSeesItsPlanAndWhatIsUsed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ann, bob := o.Register(t, "ann"), o.Register(t, "bob")
	require.Empty(t, quotas(o.usage(t, ann.Token)), "without a limit they are not counted")
	o.grant(t, ann.TenantID, terms.Limits{
		Rate: &terms.Rate{PerSecond: 7, Burst: 9}, Quotas: []quota.Limit{requests(quota.Month, 50), {Unit: quota.Requests, Window: quota.Day, Amount: 9, Soft: true}},
	})
	o.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: ann.Token})
	seen := o.usage(t, ann.Token)
	require.Equal(t, "standard", seen["plan"])
	require.Equal(t, fields{"per_second": 7.0, "burst": 9.0}, seen["rate"])
	require.Nil(t, seen["key_rate"])
	use := quotas(seen)
	require.Len(t, use, 3)
	require.Equal(t, 1.0, use["month"]["used"], "to look at it is free")
	require.Equal(t, 50.0, use["month"]["limit"])
	require.Equal(t, false, use["month"]["soft"])
	require.Equal(t, true, use["day"]["soft"])
	require.Equal(t, fields{"unit": "requests", "window": "lifetime", "used": 1.0, "limit": nil, "soft": false, "resets_at": nil}, use["lifetime"])
	resets, err := time.Parse(time.RFC3339, use["month"]["resets_at"].(string))
	require.NoError(t, err)
	_, end := quota.Month.Begins(time.Now(), time.UTC)
	require.Equal(t, end, resets.UTC())

	other := o.usage(t, bob.Token)
	require.Equal(t, fields{"per_second": 1_000_000.0, "burst": 10_000_000.0}, other["rate"], "what testapp configures")
	require.Empty(t, quotas(other), "another tenant has terms and counters of its own")
}

func TestWhoeverHasUsedItsQuotaIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ann, bob := o.Register(t, "ann"), o.Register(t, "bob")
	o.grant(t, ann.TenantID, terms.Limits{Quotas: []quota.Limit{requests(quota.Month, 3), requests(quota.Lifetime, 1000)}})
	call := testapp.Call{Method: "POST", Path: "/api/v1/blog/posts", Token: ann.Token, Body: fields{"title": "A", "content": "B"}}
	answer := o.Want(t, http.StatusCreated, call)
	begin, end := quota.Month.Begins(time.Now(), time.UTC)
	seconds := int64(end.Sub(begin).Seconds())
	require.Equal(t, `"requests-month";q=3;w=`+strconv.FormatInt(seconds, 10), last(answer.Header.Values("RateLimit-Policy")))
	require.Regexp(t, `^"requests-month";r=2;t=\d+$`, last(answer.Header.Values("RateLimit")))

	for range 2 {
		o.Want(t, http.StatusNotFound, testapp.Call{Path: "/api/v1/blog/posts/" + uuid.NewString(), Token: ann.Token})
	}
	o.Want(t, http.StatusForbidden, testapp.Call{Path: "/api/v1/ops/events", Token: ann.Token}) // whoever operates is not counted
	before := len(o.Rows(t, "SELECT id FROM audit_events"))
	answer = o.Want(t, http.StatusTooManyRequests, call)
	require.Equal(t, "quota.exceeded", answer.Code(t), "those that fail count, too")
	require.Contains(t, string(answer.Body), "At most 3 requests a month: 3 are used.")
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	require.Regexp(t, `^"requests-month";r=0;t=\d+$`, last(answer.Header.Values("RateLimit")))
	require.Len(t, o.Rows(t, "SELECT id FROM audit_events"), before, "a refusal costs no write")
	require.Len(t, o.Rows(t, "SELECT id FROM blog_posts"), 1)

	o.Want(t, http.StatusOK, testapp.Call{Path: "/version"})
	o.Want(t, http.StatusUnauthorized, testapp.Call{Path: path})
	require.Equal(t, 3.0, quotas(o.usage(t, ann.Token))["month"]["used"], "that can always be seen")
	answer = o.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: bob.Token})
	require.Len(t, answer.Header.Values("RateLimit"), 1, "nobody else is concerned: that is the rate")
	o.grant(t, ann.TenantID, terms.Limits{Quotas: []quota.Limit{requests(quota.Month, 5), requests(quota.Lifetime, 4)}})
	answer = o.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me", Token: ann.Token})
	require.Equal(t, `"requests-lifetime";q=4`, last(answer.Header.Values("RateLimit-Policy")), "the operator's word counts at once")
	require.Equal(t, `"requests-lifetime";r=0`, last(answer.Header.Values("RateLimit")))
}

func TestAPlanOfTheConfigurationLimitsToo(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "terms.plans=small=requests 2/day,standard=*", "terms.default_plan=small")
	ann := o.Register(t, "ann")
	me := testapp.Call{Path: "/api/v1/me", Token: ann.Token}
	for range 2 {
		o.Want(t, http.StatusOK, me)
	}
	o.Want(t, http.StatusTooManyRequests, me)
	require.Equal(t, "small", o.usage(t, ann.Token)["plan"])
}

func TestKeysHaveTheRateOfTheConfiguration(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "ratelimit.key.per_second=3", "ratelimit.key.burst=4", "ratelimit.tenant.per_second=5", "ratelimit.tenant.burst=6")
	ann := o.Register(t, "ann")
	require.Equal(t, fields{"per_second": 3.0, "burst": 4.0}, o.usage(t, ann.Token)["key_rate"])
	o.grant(t, ann.TenantID, terms.Limits{KeyRate: &terms.Rate{PerSecond: 1, Burst: 2}})
	seen := o.usage(t, ann.Token)
	require.Equal(t, fields{"per_second": 1.0, "burst": 2.0}, seen["key_rate"])
	require.Equal(t, fields{"per_second": 5.0, "burst": 6.0}, seen["rate"])
}

// last is what the quota has added, behind what the rate has.
func last(values []string) string { return values[len(values)-1] }
