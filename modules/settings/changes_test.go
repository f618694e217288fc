package settings_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/housekeeping"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/tenant"
)

const hidden = "sk_live_hunter2"

// conditional is a patch that names the version it is about.
func conditional(etag string, c testapp.Call) testapp.Call {
	c.Header = map[string]string{"If-Match": etag}
	return c
}

func TestAChangeOfAnOldVersionIsRefused(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	bob := m.join(t, authz.Member)
	old := see(t, m.App, m.ann.Token).etag
	now := read(t, m.Want(t, http.StatusOK, conditional(old, patch(m.ann.Token, "tenant", fields{"shop.open": false}))))
	require.NotEqual(t, old, now.etag)
	require.Empty(t, m.refused(t, http.StatusPreconditionFailed, "settings.changed", conditional(old, patch(m.ann.Token, "tenant", fields{"shop.open": true}))))
	require.Equal(t, now, see(t, m.App, m.ann.Token))
	read(t, m.Want(t, http.StatusOK, conditional("*", patch(m.ann.Token, "user", fields{"shop.code": "c3"}))))

	same := m.set(t, m.ann.Token, "user", fields{"shop.code": "c3", "shop.pause": nil})
	require.Equal(t, see(t, m.App, m.ann.Token).etag, same.etag)
	require.Equal(t, same.etag, m.set(t, m.ann.Token, "user", fields{"shop.code": "c3"}).etag, "nothing changed")

	theirs := see(t, m.App, bob.Token).etag
	m.set(t, m.ann.Token, "user", fields{"shop.code": "d4"})
	require.Equal(t, theirs, see(t, m.App, bob.Token).etag, "what another user chooses is nothing to them")
	m.set(t, m.ann.Token, "tenant", fields{"shop.open": true})
	require.NotEqual(t, theirs, see(t, m.App, bob.Token).etag, "what the tenant chooses is")
}

// Of those who have seen the same version, one changes it.
func TestChangesTakeTurns(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	etag := see(t, m.App, m.ann.Token).etag
	const n = 8
	statuses := make([]int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			statuses[i] = m.Do(t, conditional(etag, patch(m.ann.Token, "tenant", fields{"shop.tags": []string{fmt.Sprint(i)}}))).Status
		})
	}
	all.Wait()
	count := map[int]int{}
	for _, s := range statuses {
		count[s]++
	}
	require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: n - 1}, count)

	// Without a condition all of them count, one after the other.
	for i := range n {
		all.Go(func() {
			statuses[i] = m.Do(t, patch(m.ann.Token, "user", fields{"shop.code": fmt.Sprintf("a%d", i)})).Status
		})
	}
	all.Wait()
	for _, s := range statuses {
		require.Equal(t, http.StatusOK, s)
	}
}

type change struct {
	Entity, ID, Action string
	Fields             map[string]struct{ Before, After any }
}

func (m *market) trail(t *testing.T, request string) []change {
	t.Helper()
	var got struct{ Items []struct{ Changes []change } }
	m.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/audit/events?request_id=" + request, Token: m.ann.Token}).JSON(t, &got)
	require.Len(t, got.Items, 1)
	return got.Items[0].Changes
}

func TestTheAuditTrailSaysWhatWasChosenAndMasksSecrets(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	do := func(request, scope string, values fields) []change {
		c := patch(m.ann.Token, scope, values)
		c.Header = map[string]string{"X-Request-ID": request}
		m.Want(t, http.StatusOK, c)
		return m.trail(t, request)
	}
	row := m.ann.TenantID.String() + "/" + uuid.Nil.String() + "/"
	made := do("r-1", "tenant", fields{"shop.price": 5, "shop.api_key": hidden})
	require.Len(t, made, 2)
	require.Equal(t, [3]string{"settings.value", row + "shop.api_key", "created"}, [3]string{made[0].Entity, made[0].ID, made[0].Action})
	require.Equal(t, struct{ Before, After any }{nil, "********"}, made[0].Fields["sealed"])
	require.Equal(t, [3]string{"settings.value", row + "shop.price", "created"}, [3]string{made[1].Entity, made[1].ID, made[1].Action})
	require.Equal(t, struct{ Before, After any }{nil, 5.0}, made[1].Fields["value"])

	updated := do("r-2", "tenant", fields{"shop.price": 6, "shop.api_key": "another " + hidden})
	require.Len(t, updated, 2)
	require.Equal(t, map[string]struct{ Before, After any }{"sealed": {"********", "********"}}, updated[0].Fields)
	require.Equal(t, map[string]struct{ Before, After any }{"value": {5.0, 6.0}}, updated[1].Fields)
	require.Empty(t, do("r-3", "tenant", fields{"shop.price": 6}), "nothing changed")

	reset := do("r-4", "tenant", fields{"shop.price": nil, "shop.api_key": nil, "shop.open": nil})
	require.Len(t, reset, 2)
	require.Equal(t, "deleted", reset[0].Action)
	require.Equal(t, struct{ Before, After any }{6.0, nil}, reset[1].Fields["value"])

	own := do("r-5", "user", fields{"shop.code": "b2"})
	require.Equal(t, m.ann.TenantID.String()+"/"+m.ann.ID.String()+"/shop.code", own[0].ID)
}

func TestASecretIsTakenAndNeverGivenBack(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	got, err := apiKey.GetFor(t.Context(), m.reader, m.ann.TenantID, uuid.Nil)
	require.NoError(t, err)
	require.Empty(t, got)

	answer := m.Want(t, http.StatusOK, patch(m.ann.Token, "tenant", fields{"shop.api_key": hidden}))
	require.NotContains(t, string(answer.Body), hidden)
	kept := read(t, answer).by["shop.api_key"]
	require.Nil(t, kept.Value)
	require.Equal(t, []level{{"tenant", true, nil, true}}, kept.Levels, "that there is one can be seen")
	got, err = apiKey.GetFor(t.Context(), m.reader, m.ann.TenantID, m.ann.ID)
	require.NoError(t, err)
	require.Equal(t, hidden, got.Reveal())

	everything, err := json.Marshal(m.Dump(t))
	require.NoError(t, err)
	trail, err := json.Marshal(m.Rows(t, "SELECT * FROM audit_events"))
	require.NoError(t, err)
	for _, place := range []string{string(everything), string(trail), fmt.Sprint(m.Log.All())} {
		require.NotContains(t, place, hidden)
	}
	bad := m.Want(t, http.StatusUnprocessableEntity, patch(m.ann.Token, "tenant", fields{"shop.api_key": strings.Repeat(hidden, 100)}))
	require.NotContains(t, string(bad.Body), hidden)

	// A sealed value is worth nothing in another row.
	eve := m.Register(t, "eve")
	m.set(t, eve.Token, "tenant", fields{"shop.api_key": "eve's own"})
	tamper(t, m.App, "UPDATE settings_values SET sealed = (SELECT v.sealed FROM settings_values v WHERE v.tenant_id = '"+
		m.ann.TenantID.String()+"') WHERE tenant_id = '"+eve.TenantID.String()+"'")
	again := newMarket(t, testapp.Options{Database: m.DatabaseURL()})
	_, err = apiKey.GetFor(t.Context(), again.reader, eve.TenantID, uuid.Nil)
	require.ErrorContains(t, err, "open the setting shop.api_key", "and another secret does not take its place")
}

func tamper(t *testing.T, app *testapp.App, statement string) {
	t.Helper()
	require.NoError(t, app.Database.Exec(tenant.System(t.Context(), "a test tampers"), statement, []any{}, nil))
}

// A release may have narrowed the rules: what was chosen before does not count, and does not break anything.
func TestWhatIsNotAcceptableAnyMoreDoesNotCount(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	m.set(t, m.ann.Token, "tenant", fields{"shop.price": 5, "shop.open": false})
	tamper(t, m.App, "UPDATE settings_values SET value = '99' WHERE key = 'shop.price'")
	tamper(t, m.App, "UPDATE settings_values SET value = '{}' WHERE key = 'shop.open'")
	again := newMarket(t, testapp.Options{Database: m.DatabaseURL()})
	v := see(t, again.App, m.ann.Token)
	require.Equal(t, "3 of default", v.counts("shop.price"))
	require.Equal(t, "true of default", v.counts("shop.open"))
	require.NotZero(t, again.Log.FilterMessageSnippet("is not acceptable any more").Len())
	require.Equal(t, "4 of tenant", again.set(t, m.ann.Token, "tenant", fields{"shop.price": 4}).counts("shop.price"), "it can be replaced")
	require.Equal(t, "true of default", again.set(t, m.ann.Token, "tenant", fields{"shop.open": nil}).counts("shop.open"), "and removed")
	require.Len(t, m.Rows(t, "SELECT id FROM settings_values"), 1)
}

// Two platforms over one database are two replicas.
func TestAChangeCountsOnEveryReplicaWithinASecond(t *testing.T) {
	t.Parallel()
	one := newMarket(t)
	two := newMarket(t, testapp.Options{Database: one.DatabaseURL()})
	require.Equal(t, "true of default", see(t, two.App, one.ann.Token).counts("shop.open"), "it is remembered from here on")
	one.set(t, one.ann.Token, "tenant", fields{"shop.open": false})
	one.set(t, one.ann.Token, "user", fields{"shop.code": "z1"})
	require.Equal(t, "false of tenant", see(t, one.App, one.ann.Token).counts("shop.open"), "at once where it was made")
	testapp.WithinASecond(t, func() bool {
		v := see(t, two.App, one.ann.Token)
		return v.counts("shop.open") == "false of tenant" && v.counts("shop.code") == "z1 of user"
	})
}

func TestWhoLeavesTakesTheirSettingsWithThem(t *testing.T) {
	t.Parallel()
	m := newMarket(t)
	bob, carl := m.join(t, authz.Member), m.join(t, authz.Member)
	for _, u := range []testapp.User{m.ann, bob, carl} {
		m.set(t, u.Token, "user", fields{"identity.locale": "de"})
	}
	kept := func(u testapp.User) int {
		return len(m.Rows(t, "SELECT id FROM settings_values WHERE user_id = '"+u.ID.String()+"'")) +
			len(m.Rows(t, "SELECT id FROM settings_revisions WHERE user_id = '"+u.ID.String()+"'"))
	}
	require.Equal(t, 2, kept(bob))
	m.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: "/api/v1/members/" + bob.ID.String(), Token: m.ann.Token})
	require.Zero(t, kept(bob))
	require.Equal(t, 2, kept(carl))
	require.Equal(t, 2, kept(m.ann))
	got, err := identityLocale(t, m, bob)
	require.NoError(t, err)
	require.Equal(t, "en", got, "also where it was remembered")
}

func TestWhoIsErasedTakesTheirSettingsWithThem(t *testing.T) {
	t.Parallel()
	var keeper *housekeeping.Keeper
	m := newMarket(t, testapp.Options{
		Set: []string{"identity.deletion_grace=0s"}, Extra: []fx.Option{fx.Populate(&keeper)},
	})
	bob := m.join(t, authz.Member)
	m.set(t, bob.Token, "user", fields{"identity.locale": "de"})
	m.Want(t, http.StatusAccepted, testapp.Call{Method: "DELETE", Path: "/api/v1/me", Token: bob.Token, Body: fields{"password": bob.Password}})
	keeper.Tidy(t.Context())
	require.Empty(t, m.Rows(t, "SELECT id FROM identity_users WHERE id = '"+bob.ID.String()+"'"))
	require.Empty(t, m.Rows(t, "SELECT id FROM settings_values"))
	require.Empty(t, m.Rows(t, "SELECT id FROM settings_revisions"))
}

func identityLocale(t *testing.T, m *market, u testapp.User) (any, error) {
	t.Helper()
	return m.reader.Effective(t.Context(), "identity.locale", u.TenantID, u.ID)
}
