package notify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestANotificationGoesEveryWayAndIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.send(t, r.news())
	receipt := r.ended(t, id)
	require.Equal(t, "sample.news", receipt.Template)
	require.Equal(t, r.ada.ID, receipt.User)
	require.Len(t, receipt.Deliveries, 2)
	require.Equal(t, []string{"inbox"}, receipt.Deliveries[0].Channels)
	for _, d := range receipt.Deliveries {
		require.Equal(t, notify.Delivered, d.State, "%+v", d)
		require.Len(t, d.Attempts, 1)
	}
	mail := r.Mail(t, r.ada.Email, "sample.news")
	require.Equal(t, "Bob wrote Spring", mail.Subject)
	require.Contains(t, mail.Text, "Read it: https://app.example.com/secret-link")
	require.Contains(t, mail.Header.Get("Content-Type"), "multipart/alternative")
	require.Equal(t, "auto-generated", mail.Header.Get("Auto-Submitted"))

	require.False(t, r.sealed(t, id), "what was delivered is not kept")
	for table, rows := range r.Dump(t) {
		if table != "notify_inbox" {
			require.NotContains(t, fmt.Sprint(rows), "secret-link", table)
		}
	}
	for _, entry := range r.Log.All() {
		require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), "secret-link")
	}
}

func TestANotificationIsPartOfItsTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	undo := errors.New("undo")
	var lost uuid.UUID
	require.ErrorIs(t, r.tx.InTx(r.in(t), func(ctx context.Context) (err error) {
		lost, err = r.notifier.Send(ctx, r.news("pigeon"))
		require.NoError(t, err)
		return undo
	}), undo)
	_, err := r.Receipt(t.Context(), lost)
	require.ErrorIs(t, err, notify.ErrNotFound)
	r.ended(t, r.send(t, r.news("pigeon")))
	require.Len(t, r.pigeon.delivered(), 1)
}

func TestWhatIsSealedCannotBeReadInTheDatabase(t *testing.T) {
	t.Parallel()
	r := newRig(t, testapp.Options{Set: []string{"notify.retry_min=1h", "notify.retry_max=2h"}})
	r.pigeon.failing(errRain)
	id := r.send(t, r.news("pigeon"))
	require.Eventually(t, func() bool { return r.pigeon.tried() == 1 }, 30*time.Second, time.Millisecond)
	require.True(t, r.sealed(t, id), "it is needed for the next attempt")
	dump := fmt.Sprint(r.Dump(t))
	require.NotContains(t, dump, "secret-link")
	require.NotContains(t, dump, "Spring")
}

func TestAFailureIsTriedAgainAndThenTheNextChannel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tests := map[string]struct {
		fails    []error
		channels string
		attempts []string // channel and state
		state    string
	}{
		"it works after all":                    {[]error{errRain, errRain}, "pigeon|email", []string{"pigeon failed", "pigeon failed", "pigeon sent"}, notify.Sent},
		"the attempts are used up":              {[]error{errRain, errRain, errRain}, "pigeon|email", []string{"pigeon failed", "pigeon failed", "pigeon failed", "email delivered"}, notify.Delivered},
		"no further try can help":               {[]error{notify.Permanent(errRain)}, "pigeon|email", []string{"pigeon failed", "email delivered"}, notify.Delivered},
		"a channel that is not configured":      {nil, "push|pigeon", []string{"push failed", "pigeon sent"}, notify.Sent},
		"a channel without an address":          {nil, "sms|pigeon", []string{"sms failed", "pigeon sent"}, notify.Sent},
		"no channel is left":                    {[]error{notify.Permanent(errRain)}, "push|pigeon", []string{"push failed", "pigeon failed"}, notify.Failed},
		"the provider asks for a moment":        {[]error{notify.Busy(errRain, 2*time.Millisecond)}, "pigeon", []string{"pigeon failed", "pigeon sent"}, notify.Sent},
		"the last channel uses its attempts up": {[]error{errRain, errRain, errRain}, "pigeon", []string{"pigeon failed", "pigeon failed", "pigeon failed"}, notify.Failed},
	}
	for name, test := range tests {
		r.pigeon.failing(test.fails...)
		id := r.send(t, r.news(test.channels))
		receipt := r.ended(t, id)
		require.Len(t, receipt.Deliveries, 1, name)
		d := receipt.Deliveries[0]
		require.Equal(t, test.state, d.State, "%s: %+v", name, d)
		var attempts []string
		for _, a := range d.Attempts {
			attempts = append(attempts, a.Channel+" "+a.State)
			require.Equal(t, a.State == notify.Failed, a.Why != "", name)
		}
		require.Equal(t, test.attempts, attempts, name)
		require.False(t, r.sealed(t, id), name)
		if test.state == notify.Failed {
			require.NotEmpty(t, d.Why, name)
		}
	}
}

func TestAnErrorDoesNotNameTheRecipient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pigeon.failing(notify.Permanent(errors.New("550 no such user: " + r.ada.Email + "\r\nforged: line")))
	d := r.ended(t, r.send(t, r.news("pigeon"))).Deliveries[0]
	require.Equal(t, "550 no such user: <recipient>  forged: line", d.Why)
}

func TestWhatCannotBeDeliveredIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before := r.Dump(t)
	for name, test := range map[string]struct {
		change func(*notify.Notification)
		want   error
		says   string
	}{
		"an unknown template":    {func(n *notify.Notification) { n.Template = "sample.nothing" }, notify.ErrUnknownTemplate, "sample.nothing"},
		"a missing field":        {func(n *notify.Notification) { n.Data = fields{"name": "Bob", "link": "x"} }, notify.ErrTemplate, "the data has no .title"},
		"a field that is null":   {func(n *notify.Notification) { n.Data = fields{"name": "Bob", "title": nil, "link": "x"} }, notify.ErrTemplate, "the data has no .title"},
		"no data at all":         {func(n *notify.Notification) { n.Data = nil }, notify.ErrTemplate, "the data has no"},
		"data that is no object": {func(n *notify.Notification) { n.Data = []string{"x"} }, notify.ErrTemplate, "not an object"},
		"data that is too long":  {func(n *notify.Notification) { n.Data = fields{"title": strings.Repeat("x", 70<<10)} }, notify.ErrTemplate, "65536 bytes"},
		"a subject of two lines": {func(n *notify.Notification) {
			n.Data = fields{"name": "Bob", "title": "x\r\nBcc: eve@example.com", "link": "x"}
		}, notify.ErrTemplate, "one line"},
		"an unknown channel":         {func(n *notify.Notification) { n.Channels = []string{"email|fax"} }, notify.ErrChannel, "fax"},
		"nobody":                     {func(n *notify.Notification) { n.To = notify.Recipient{} }, notify.ErrRecipient, ""},
		"an address of two lines":    {func(n *notify.Notification) { n.To = notify.Recipient{Email: "ada@example.com\nBcc: eve@example.com"} }, notify.ErrRecipient, "one bare e-mail address"},
		"two addresses":              {func(n *notify.Notification) { n.To = notify.Recipient{Email: "ada@example.com, eve@example.com"} }, notify.ErrRecipient, "one bare e-mail address"},
		"a number that is none":      {func(n *notify.Notification) { n.To = notify.Recipient{Phone: "110"} }, notify.ErrRecipient, "E.164"},
		"a device with a line break": {func(n *notify.Notification) { n.To = notify.Recipient{Devices: []string{"a\nb"}} }, notify.ErrRecipient, "registration token"},
		"a user of another tenant":   {func(n *notify.Notification) { n.To = notify.Recipient{User: uuid.New()} }, notify.ErrRecipient, ""},
	} {
		n := r.news("pigeon")
		test.change(&n)
		_, err := r.notifier.Send(r.in(t), n)
		require.ErrorIs(t, err, test.want, name)
		require.ErrorContains(t, err, test.says, name)
		require.NotContains(t, err.Error(), "eve@example.com", name)
	}
	require.Equal(t, before, r.Dump(t))
}

func TestWhatExpiresIsNotDeliveredAndNotKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, testapp.Options{Set: []string{"notify.retry_min=1h", "notify.retry_max=2h"}})
	n := r.news("pigeon")
	n.Expires = time.Now().Add(-time.Second)
	receipt := r.ended(t, r.send(t, n))
	require.Equal(t, notify.Failed, receipt.Deliveries[0].State)
	require.Equal(t, "it expires before it may be delivered", receipt.Deliveries[0].Why)

	r.pigeon.failing(errRain)
	id := r.send(t, r.news("pigeon"))
	r.Settled(t)
	require.True(t, r.sealed(t, id))
	r.Tamper(t, "UPDATE notify_notifications SET expires_at = created_at")
	r.tidy(t)
	receipt = r.ended(t, id)
	require.Equal(t, notify.Failed, receipt.Deliveries[0].State)
	require.Equal(t, "it has expired", receipt.Deliveries[0].Why)
	require.False(t, r.sealed(t, id))
	require.Equal(t, 1, r.pigeon.tried())
}

func TestSomebodyOutsideAnyTenantIsReached(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, err := r.notifier.Send(t.Context(), notify.Notification{
		To: notify.Recipient{Email: "stranger@example.com"}, Template: "sample.news", Channels: []string{"email", "inbox"},
		Data: fields{"name": "Bob", "title": "Spring", "link": "x"}, Locale: "zh-CN",
	})
	require.NoError(t, err)
	receipt := r.ended(t, id)
	require.Equal(t, uuid.Nil, receipt.Tenant)
	require.Equal(t, "zh", receipt.Locale)
	require.Equal(t, notify.Delivered, receipt.Deliveries[0].State)
	require.Equal(t, notify.Failed, receipt.Deliveries[1].State, "there is no inbox outside a tenant")
	require.Equal(t, "Bob 发表了 Spring", r.Mail(t, "stranger@example.com", "sample.news").Subject)
}

func TestTheLanguageIsTheRecipients(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Want(t, http.StatusOK, testapp.Call{Method: "PATCH", Path: "/api/v1/settings", Token: r.ada.Token, Body: fields{
		"scope": "user", "values": fields{"identity.locale": "zh-Hant-TW", "identity.time_zone": "Asia/Shanghai", "notifications.phone": "+4930123456"},
	}})
	r.ended(t, r.send(t, r.news("pigeon")))
	got := r.pigeon.delivered()[0]
	require.Equal(t, "zh", got.Locale)
	require.Equal(t, "Bob 发表了 Spring", got.Subject)
	require.Equal(t, "+4930123456", got.To.Phone)
	require.Equal(t, r.ada.Email, got.To.Email)
}

func TestWhoWorksForTheSystemSaysItInTheTenantsWords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.Register(t, "other")
	_, err := r.Replace(tenant.NewContext(t.Context(), other.TenantID), "sample.news", "en", notify.Source{Subject: "Not yours", Text: "x"}, nil)
	require.NoError(t, err)
	id, err := r.notifier.Send(tenant.System(r.in(t), "a test"), r.news("pigeon"))
	require.NoError(t, err)
	r.ended(t, id)
	require.Equal(t, "Bob wrote Spring", r.pigeon.delivered()[0].Subject)
}

func TestTheOperatorSeesWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pigeon.failing(notify.Permanent(errRain))
	id := r.send(t, r.news("pigeon|email"))
	r.ended(t, id)

	path := "/api/v1/ops/notifications/" + id.String()
	answer := r.Want(t, http.StatusOK, testapp.Call{Path: path, Token: r.admin})
	for _, private := range []string{"secret-link", r.ada.Email, "Spring"} {
		require.NotContains(t, string(answer.Body), private)
	}
	var receipt struct {
		UserID     uuid.UUID `json:"user_id"`
		Deliveries []struct {
			State    string
			Attempts []struct{ Channel, State, Why string }
		}
	}
	answer.JSON(t, &receipt)
	require.Equal(t, r.ada.ID, receipt.UserID)
	require.Equal(t, "delivered", receipt.Deliveries[0].State)
	require.Equal(t, "rain over <address>", receipt.Deliveries[0].Attempts[0].Why)

	var list struct{ Items []struct{ ID uuid.UUID } }
	r.get(t, r.admin, "/api/v1/ops/notifications?state=delivered&tenant_id="+r.ada.TenantID.String(), &list)
	require.Len(t, list.Items, 1)
	r.get(t, r.admin, "/api/v1/ops/notifications?state=suppressed", &list)
	require.Empty(t, list.Items)

	var channels struct {
		Items []struct {
			Name               string
			Configured         bool
			Attempts, Failures int
			FailureRate        float64    `json:"failure_rate"`
			LastError          string     `json:"last_error"`
			LastSuccessAt      *time.Time `json:"last_success_at"`
		}
	}
	r.get(t, r.admin, "/api/v1/ops/channels", &channels)
	seen := map[string]bool{}
	for _, c := range channels.Items {
		seen[c.Name] = c.Configured
		if c.Name == "pigeon" {
			require.Equal(t, 1.0, c.FailureRate)
			require.Equal(t, "rain over <address>", c.LastError)
			require.Nil(t, c.LastSuccessAt)
		}
		if c.Name == "email" {
			require.Zero(t, c.FailureRate)
			require.NotNil(t, c.LastSuccessAt)
		}
	}
	require.Equal(t, map[string]bool{"email": true, "inbox": true, "sms": true, "push": false, "webhook": true, "pigeon": true}, seen)

	for _, p := range []string{path, "/api/v1/ops/notifications", "/api/v1/ops/channels"} {
		r.Want(t, http.StatusForbidden, testapp.Call{Path: p, Token: r.ada.Token})
	}
	r.Want(t, http.StatusNotFound, testapp.Call{Path: "/api/v1/ops/notifications/" + uuid.NewString(), Token: r.admin})
	r.Want(t, http.StatusUnprocessableEntity, testapp.Call{Path: "/api/v1/ops/notifications?state=lost", Token: r.admin})
}

func TestWhoLeavesTakesTheirNotificationsAlong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ended(t, r.send(t, r.news()))
	other, err := r.notifier.Send(r.in(t), notify.Notification{
		To: notify.Recipient{Email: "bob@example.com"}, Template: "sample.news", Channels: []string{"email"},
		Data: fields{"name": "Bob", "title": "x", "link": "x"},
	})
	require.NoError(t, err)
	r.ended(t, other)
	_, _, err = r.Prefer(r.in(t), r.ada.ID, nil, func(p *notify.Preferences) { p.Digest = notify.Off })
	require.NoError(t, err)
	require.NoError(t, r.sweep.EraseMember(tenant.System(r.in(t), "test"), r.ada.TenantID, r.ada.ID))
	for _, table := range []string{"notify_inbox", "notify_preferences"} {
		require.Empty(t, r.Rows(t, "SELECT id FROM "+table), table)
	}
	left := r.Rows(t, "SELECT id FROM notify_notifications WHERE tenant_id = '"+r.ada.TenantID.String()+"'")
	require.Len(t, left, 1)
	require.Len(t, r.Rows(t, "SELECT id FROM notify_attempts WHERE tenant_id = '"+r.ada.TenantID.String()+"'"), 1)
	require.Equal(t, other.String(), left[0]["id"])
}

func TestOldReceiptsAreRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.send(t, r.news())
	r.ended(t, id)
	old := time.Now().Add(-40 * 24 * time.Hour).UTC().Format("2006-01-02 15:04:05.000000")
	r.Tamper(t, "UPDATE notify_notifications SET created_at = '"+old+"'", "UPDATE notify_inbox SET created_at = '"+old+"'")
	require.Positive(t, r.tidy(t))
	for _, table := range []string{"notify_notifications", "notify_deliveries", "notify_attempts", "notify_inbox"} {
		require.Empty(t, r.Rows(t, "SELECT id FROM "+table+" WHERE tenant_id = '"+r.ada.TenantID.String()+"'"), table)
	}
	_, err := r.Receipt(t.Context(), id)
	require.ErrorIs(t, err, notify.ErrNotFound)
}
