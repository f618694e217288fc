package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/webhook"
	"github.com/yourorg/platform/internal/outbound"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// chosen are the settings of one tenant.
type chosen map[string]any

func (c chosen) Effective(_ context.Context, key string, _, _ uuid.UUID) (any, error) {
	return c[key], nil
}

func deliver(t *testing.T, env config.Environment, url string, key config.Secret) error {
	t.Helper()
	out, err := outbound.New(outbound.DefaultConfig(), env)
	require.NoError(t, err)
	t.Cleanup(out.Close)
	if env == config.Test {
		allowed := outbound.DefaultConfig()
		allowed.AllowedNetworks = []string{"127.0.0.0/8"}
		out, err = outbound.New(allowed, env)
		require.NoError(t, err)
		t.Cleanup(out.Close)
	}
	_, err = webhook.New(out.Guarded(), chosen{"notifications.webhook_url": url, "notifications.webhook_secret": key}).
		Deliver(t.Context(), notify.Rendered{ID: uuid.New(), Tenant: uuid.New(), Template: "sample.news", Subject: "News", Text: "Spring"})
	return err
}

func TestAReceiverCanCheckWhoItIs(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		key, decoding := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
		var event struct {
			Type string
			Data struct{ Subject, Text string }
		}
		if err != nil || decoding != nil || json.Unmarshal(body, &event) != nil || event.Type != "sample.news" || event.Data.Text != "Spring" ||
			r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	require.NoError(t, deliver(t, config.Test, server.URL, secret))
}

// The example of standardwebhooks.com.
func TestTheSignatureIsTheStandardOne(t *testing.T) {
	t.Parallel()
	key, err := notify.WebhookKey(secret)
	require.NoError(t, err)
	headers := webhook.Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", headers["Webhook-Signature"])
}

func TestAnAddressInsideTheNetworkIsNotAsked(t *testing.T) {
	t.Parallel()
	asked := false
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(server.Close)
	for _, url := range []string{server.URL, "https://10.0.0.1/", "https://169.254.169.254/latest", "http://example.com/"} {
		err := deliver(t, config.Production, url, secret)
		require.True(t, notify.IsPermanent(err), url)
		require.NotContains(t, err.Error(), "10.0.0.1")
	}
	require.False(t, asked)
}

func TestWhatAReceiverAnswersDecides(t *testing.T) {
	t.Parallel()
	for status, permanent := range map[int]bool{400: true, 404: true, 410: true, 401: false, 429: false, 500: false, 503: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		err := deliver(t, config.Test, server.URL, secret)
		server.Close()
		require.Error(t, err, status)
		require.Equal(t, permanent, notify.IsPermanent(err), status)
	}
	require.ErrorIs(t, deliver(t, config.Test, "", secret), notify.ErrNoAddress)
	require.True(t, notify.IsPermanent(deliver(t, config.Test, "http://127.0.0.1:1", "")), "nothing is sent without a signature")
	require.False(t, notify.IsPermanent(deliver(t, config.Test, "http://127.0.0.1:1", secret)), "it may be there later")
}
