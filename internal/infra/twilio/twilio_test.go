package twilio_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/twilio"
	"github.com/yourorg/platform/pkg/notify"
)

var message = notify.Rendered{To: notify.Recipient{Phone: "+4930123456"}, Short: "Your code is 123456"}

func TestTwilioGetsTheMessage(t *testing.T) {
	t.Parallel()
	for from, field := range map[string]string{"+15005550006": "From", "MGabc": "MessagingServiceSid"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, pass, _ := r.BasicAuth()
			if r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/AC123/Messages.json" || user != "AC123" || pass != "token" ||
				r.FormValue("To") != message.To.Phone || r.FormValue("Body") != message.Short || r.FormValue(field) != from {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"sid":"SM1","status":"queued"}`))
		}))
		channel := twilio.New(twilio.Config{AccountSID: "AC123", AuthToken: "token", From: from, URL: server.URL}, server.Client())
		id, err := channel.Deliver(t.Context(), message)
		server.Close()
		require.NoError(t, err)
		require.Equal(t, "SM1", id)
	}
}

func TestWhatTwilioRefusesIsTriedAgainOrNot(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status    int
		body      string
		permanent bool
		pause     time.Duration
		says      string
	}{
		"a number that is none":  {400, `{"code":21211,"message":"The 'To' number +4930123456 is not valid."}`, true, 0, "Twilio answered 400: error 21211"},
		"another account":        {404, `{"code":20404}`, true, 0, "404"},
		"a wrong token":          {401, `{"code":20003,"message":"Authenticate"}`, false, 0, "401"},
		"too many":               {429, `{"code":20429}`, false, 7 * time.Second, "429"},
		"Twilio has a bad day":   {503, `<html>`, false, 7 * time.Second, "503"},
		"it was taken all right": {201, `not JSON`, false, 0, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte(test.body))
		}))
		_, err := twilio.New(twilio.Config{AccountSID: "AC123", AuthToken: "token", From: "+15005550006", URL: server.URL}, server.Client()).Deliver(t.Context(), message)
		server.Close()
		if test.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, test.says, name)
		require.NotContains(t, err.Error(), message.To.Phone, name)
		require.Equal(t, test.permanent, notify.IsPermanent(err), name)
		require.Equal(t, test.pause, notify.AskedPause(err), name)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	channel := twilio.New(twilio.Config{AccountSID: "AC123", AuthToken: "token", From: "+15005550006", URL: server.URL}, server.Client())
	_, err := channel.Deliver(t.Context(), message)
	require.Error(t, err)
	require.False(t, notify.IsPermanent(err))
	_, err = channel.Deliver(t.Context(), notify.Rendered{})
	require.ErrorIs(t, err, notify.ErrNoAddress)
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, twilio.DefaultConfig().Validate(), "twilio.account_sid")
	require.NoError(t, twilio.Config{AccountSID: "AC1", AuthToken: "x", From: "MG1", URL: "https://api.twilio.com"}.Validate())
	require.ErrorContains(t, twilio.Config{AccountSID: "AC1", AuthToken: "x", From: "Acme", URL: "https://api.twilio.com"}.Validate(), "twilio.from")
}
