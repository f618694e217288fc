package ses_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/email"
	"github.com/yourorg/platform/internal/infra/ses"
	"github.com/yourorg/platform/pkg/notify"
)

func channel(server *httptest.Server) *ses.SES {
	return ses.New(ses.Config{Region: "eu-central-1", AccessKeyID: "AKIA1", SecretAccessKey: "secret", URL: server.URL, ConfigurationSet: "platform"},
		email.Sender{From: "Platform <no-reply@example.com>"}, server.Client())
}

var letter = notify.Rendered{ID: uuid.New(), To: notify.Recipient{Email: "ada@example.com"}, Template: "sample.news", Subject: "News", Text: "Spring\n"}

func TestSESGetsTheMailSigned(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			ConfigurationSetName string
			Destination          struct{ ToAddresses []string }
			Content              struct{ Raw struct{ Data []byte } }
		}
		err := json.NewDecoder(r.Body).Decode(&body)
		m, readErr := mail.ReadMessage(strings.NewReader(string(body.Content.Raw.Data)))
		signed := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIA1/") && strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/ses/aws4_request")
		if err != nil || readErr != nil || !signed || r.URL.Path != "/v2/email/outbound-emails" || body.ConfigurationSetName != "platform" ||
			len(body.Destination.ToAddresses) != 1 || body.Destination.ToAddresses[0] != "ada@example.com" || m.Header.Get("Subject") != "News" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"MessageId":"m-1"}`))
	}))
	t.Cleanup(server.Close)
	id, err := channel(server).Deliver(t.Context(), letter)
	require.NoError(t, err)
	require.Equal(t, "m-1", id)
}

func TestWhatSESRefusesIsTriedAgainOrNot(t *testing.T) {
	t.Parallel()
	for code, test := range map[string]struct {
		status    int
		permanent bool
	}{
		"MessageRejected": {400, true}, "BadRequestException": {400, true}, "TooManyRequestsException": {429, false},
		"SendingPausedException": {400, false}, "InternalServiceError": {500, false},
	} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("X-Amzn-Errortype", code)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte(`{"message":"Address ada@example.com is blacklisted."}`))
		}))
		_, err := channel(server).Deliver(t.Context(), letter)
		server.Close()
		require.ErrorContains(t, err, code)
		require.Equal(t, test.permanent, notify.IsPermanent(err), code)
		require.NotContains(t, err.Error(), "ada@", code)
		require.Equal(t, 1, asked, "who calls it decides about the next time")
	}
}
