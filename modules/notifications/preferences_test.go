package notifications_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/notify"
)

func TestWhatIsSwitchedOffDoesNotCome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var p struct {
		Digest     string
		Categories []struct {
			Name      string
			Essential bool
			Channels  map[string]bool
		}
	}
	r.Want(t, http.StatusOK, testapp.Call{Path: preferences, Token: r.owner.Token}).JSON(t, &p)
	require.Equal(t, "daily", p.Digest)
	essential := map[string]bool{}
	for _, c := range p.Categories {
		essential[c.Name] = c.Essential
	}
	require.Subset(t, essential, map[string]bool{"news": false, "alarms": true, "security": true, "digest": false})

	off := func(category, channel string) fields {
		return fields{"categories": []fields{{"name": category, "channels": fields{channel: false}}}}
	}
	require.Equal(t, http.StatusOK, r.prefer(t, r.owner, off("news", "email")).Status)
	id := r.tell(t, r.owner, "news", "Spring")
	d := r.state(t, id)
	require.Equal(t, notify.Suppressed, d.State)
	require.Equal(t, "the recipient has switched it off", d.Why)
	r.Settled(t)
	items, _ := r.list(t, r.owner.Token, "")
	require.Len(t, items, 1, "the inbox is another channel")

	for name, test := range map[string]struct {
		body fields
		says string
	}{
		"what is essential":    {off("alarms", "email"), "The category alarms cannot be switched off."},
		"an unknown category":  {off("gossip", "email"), "There is no category gossip."},
		"an unknown channel":   {off("news", "fax"), "There is no channel fax."},
		"a digest of the week": {fields{"digest": "weekly"}, ""},
		"hours that are none":  {fields{"quiet_hours": fields{"from": "25:00", "until": "07:00"}}, ""},
		"hours without an end": {fields{"quiet_hours": fields{"from": "22:00"}}, ""},
		"nothing":              {fields{}, ""},
	} {
		answer := r.prefer(t, r.owner, test.body)
		require.Equal(t, http.StatusUnprocessableEntity, answer.Status, "%s: %s", name, answer.Body)
		if test.says != "" {
			require.Equal(t, "notify.preference_invalid", answer.Code(t), name)
			require.Contains(t, string(answer.Body), test.says, name)
		}
	}
	require.Equal(t, notify.Delivered, r.state(t, r.tell(t, r.owner, "alarm", "Fire")).State)
	require.Equal(t, http.StatusOK, r.prefer(t, r.owner, fields{"categories": []fields{{"name": "news", "channels": fields{"email": true}}}}).Status)
	require.Equal(t, notify.Delivered, r.state(t, r.tell(t, r.owner, "news", "Summer")).State)
}

func TestQuietHoursAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	zone, err := time.LoadLocation("Asia/Tokyo")
	require.NoError(t, err)
	r.Want(t, http.StatusOK, testapp.Call{Method: "PATCH", Path: "/api/v1/settings", Token: r.owner.Token, Body: fields{"scope": "user", "values": fields{"identity.time_zone": "Asia/Tokyo"}}})
	now := time.Now().In(zone)
	from, until := now.Add(-2*time.Hour).Format("15:04"), now.Add(2*time.Hour).Format("15:04")
	answer := r.prefer(t, r.owner, fields{"quiet_hours": fields{"from": from, "until": until}})
	require.Equal(t, http.StatusOK, answer.Status)
	require.Contains(t, string(answer.Body), `"quiet_hours":{"from":"`+from+`","until":"`+until+`"}`)

	d := r.state(t, r.tell(t, r.owner, "news", "Spring"))
	require.Equal(t, notify.Queued, d.State)
	require.Equal(t, "waits for the end of the quiet hours", d.Why)
	require.Equal(t, until, d.Due.In(zone).Format("15:04"))
	require.Equal(t, notify.Delivered, r.state(t, r.tell(t, r.owner, "alarm", "Fire")).State, "what is essential does not wait")
	r.Settled(t)
	items, _ := r.list(t, r.owner.Token, "")
	require.Len(t, items, 1, "the inbox makes no noise")

	answer = r.prefer(t, r.owner, fields{"quiet_hours": fields{"from": "01:00", "until": "01:00"}})
	require.Contains(t, string(answer.Body), `"quiet_hours":null`)
	require.Equal(t, notify.Delivered, r.state(t, r.tell(t, r.owner, "news", "Summer")).State)
}

func TestWhatIsNotUrgentComesInOneMail(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.Register(t, "other")
	for _, title := range []string{"Spring", "Summer"} {
		d := r.state(t, r.tell(t, r.owner, "rare", title))
		require.Equal(t, notify.Held, d.State)
		require.Equal(t, 8, d.Due.Hour(), "in the morning")
	}
	r.tell(t, other, "rare", "Winter")
	require.Empty(t, r.mailsOf(t, r.owner, "sample.rare"))
	last := r.tell(t, r.owner, "rare", "Autumn")

	// The morning comes for one of them.
	r.Tamper(t, "UPDATE notify_deliveries SET due_at = changed_at WHERE state = 'held' AND recipient_id = '"+r.owner.ID.String()+"'",
		"UPDATE jobs_jobs SET due_ms = 1 WHERE kind = 'notify.digest' AND args LIKE '%"+r.owner.ID.String()+"%'")
	mail := r.Mail(t, r.owner.Email, "notify.digest")
	require.Equal(t, "3 things are new", mail.Subject)
	for _, title := range []string{"Spring", "Summer", "Autumn"} {
		require.Contains(t, mail.Text, "Something about "+title)
	}
	require.NotContains(t, mail.Text, "Winter")
	require.NotEmpty(t, mail.Header.Get("List-Unsubscribe"))
	d := r.state(t, last)
	require.Equal(t, notify.Sent, d.State)
	require.Equal(t, "in a digest", d.Why)
	require.NotEmpty(t, d.ProviderID)
	r.Settled(t)
	require.Empty(t, r.Rows(t, "SELECT id FROM notify_notifications WHERE sealed IS NOT NULL AND user_id = '"+r.owner.ID.String()+"'"))

	link, err := url.Parse(strings.Trim(mail.Header.Get("List-Unsubscribe"), "<>"))
	require.NoError(t, err)
	r.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: link.RequestURI(), Body: url.Values{"List-Unsubscribe": {"One-Click"}}})
	require.Equal(t, "the recipient wants no digests", r.state(t, r.tell(t, r.owner, "rare", "Snow")).Why)

	require.Equal(t, http.StatusOK, r.prefer(t, r.owner, fields{"digest": "off"}).Status)
	require.Equal(t, notify.Delivered, r.state(t, r.tell(t, r.owner, "rare", "Now")).State)
	require.Len(t, r.mailsOf(t, r.owner, "sample.rare"), 1)
}

func (r *rig) mailsOf(t *testing.T, u testapp.User, kind string) (all []testapp.Mail) {
	t.Helper()
	for _, m := range r.Mails(t, u.Email) {
		if m.Kind == kind {
			all = append(all, m)
		}
	}
	return all
}

func TestOneClickUnsubscribes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.tell(t, r.owner, "news", "Spring")
	mail := r.Mail(t, r.owner.Email, "sample.news")
	require.Equal(t, "List-Unsubscribe=One-Click", mail.Header.Get("List-Unsubscribe-Post"))
	link, err := url.Parse(strings.Trim(mail.Header.Get("List-Unsubscribe"), "<>"))
	require.NoError(t, err)
	require.Equal(t, "https", link.Scheme)
	require.Contains(t, mail.Text, "\n-- \nUnsubscribe: https://app.example.com/unsubscribe#token=")

	// A program that follows links changes nothing.
	answer := r.Want(t, http.StatusOK, testapp.Call{Path: link.RequestURI()})
	require.JSONEq(t, `{"category":"news"}`, string(answer.Body))
	require.Equal(t, notify.Delivered, r.state(t, r.tell(t, r.owner, "news", "Summer")).State)

	for range 2 {
		r.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: link.RequestURI(), Body: url.Values{"List-Unsubscribe": {"One-Click"}}})
		require.Equal(t, notify.Suppressed, r.state(t, r.tell(t, r.owner, "news", "Autumn")).State)
	}
	require.Contains(t, string(r.Want(t, http.StatusOK, testapp.Call{Path: preferences, Token: r.owner.Token}).Body), `"channels":{"email":false},"essential":false,"name":"news"`)

	token := link.Query().Get("token")
	for name, forged := range map[string]string{"another": "AAAA", "altered": token[:len(token)-2] + "AA", "longer": token + "A"} {
		answer := r.Want(t, http.StatusUnprocessableEntity, testapp.Call{Method: "POST", Path: "/api/v1/notifications/unsubscribe?token=" + url.QueryEscape(forged), Body: url.Values{}})
		require.Equal(t, "notify.token_invalid", answer.Code(t), name)
	}
	require.Equal(t, notify.Delivered, r.state(t, r.tell(t, r.owner, "alarm", "Fire")).State)
	alarm := r.Mail(t, r.owner.Email, "sample.alarm")
	require.Empty(t, alarm.Header.Get("List-Unsubscribe"))
	require.NotContains(t, alarm.Text, "nsubscribe")
}

func TestSomebodyWithoutAnAccountUnsubscribesToo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tell := func() notify.Delivery {
		id, err := r.notifier.Send(within(t, r.owner), notify.Notification{
			To: notify.Recipient{Email: "Stranger@example.com"}, Template: "sample.news", Channels: []string{"email"}, Data: fields{"title": "Spring"},
		})
		require.NoError(t, err)
		return r.state(t, id)
	}
	require.Equal(t, notify.Delivered, tell().State)
	link, err := url.Parse(strings.Trim(r.Mail(t, "stranger@example.com", "sample.news").Header.Get("List-Unsubscribe"), "<>"))
	require.NoError(t, err)
	r.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: link.RequestURI(), Body: url.Values{"List-Unsubscribe": {"One-Click"}}})
	require.Equal(t, notify.Suppressed, tell().State)
	for table, rows := range r.Dump(t) {
		for _, row := range rows {
			require.NotContains(t, strings.ToLower(row), "stranger@", table)
		}
	}
}
