package fcm_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/infra/fcm"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
)

// firebase speaks as much of OAuth 2.0 and FCM as a client needs. Devices are answered by their names.
type firebase struct {
	*httptest.Server
	tokens atomic.Int32
	last   atomic.Value // the message
}

func start(t *testing.T) (*firebase, *fcm.Push) {
	t.Helper()
	f := &firebase{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		f.tokens.Add(1)
		if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || r.FormValue("assertion") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"granted","token_type":"Bearer","expires_in":3600}`))
	})
	mux.HandleFunc("POST /v1/projects/acme/messages:send", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Message struct {
				Token        string
				Notification struct{ Title, Body string }
				Data         map[string]string
			}
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil || r.Header.Get("Authorization") != "Bearer granted" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch body.Message.Token {
		case "gone":
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error":{"code":404,"status":"UNREGISTERED"}}`))
		case "busy":
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":{"code":503,"status":"UNAVAILABLE"}}`))
		default:
			f.last.Store(body.Message.Notification.Title + "/" + body.Message.Notification.Body + "/" + body.Message.Data["template"])
			_, _ = w.Write([]byte(`{"name":"projects/acme/messages/` + body.Message.Token + `"}`))
		}
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	cfg := fcm.Config{URL: f.URL, Credentials: credentials(t, f.URL)}
	require.NoError(t, cfg.Validate())
	p, err := fcm.New(cfg, f.Client())
	require.NoError(t, err)
	return f, p
}

func credentials(t *testing.T, url string) config.Secret {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "acme", "client_email": "platform@acme.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})), "token_uri": url + "/token",
	})
	require.NoError(t, err)
	return config.Secret(file)
}

func TestDevicesAreTold(t *testing.T) {
	t.Parallel()
	f, p := start(t)
	for name, test := range map[string]struct {
		devices   []string
		id        string
		permanent bool
		fails     bool
	}{
		"one device":                        {[]string{"a"}, "projects/acme/messages/a", false, false},
		"two devices":                       {[]string{"a", "b"}, "projects/acme/messages/a projects/acme/messages/b", false, false},
		"one of them is gone":               {[]string{"gone", "b"}, "projects/acme/messages/b", false, false},
		"all are gone":                      {[]string{"gone", "gone"}, "", true, true},
		"the service is away":               {[]string{"busy"}, "", false, true},
		"one is gone, the service away too": {[]string{"gone", "busy"}, "", false, true},
		"there is none":                     {nil, "", true, true},
	} {
		id, err := p.Deliver(t.Context(), notify.Rendered{
			ID: uuid.New(), To: notify.Recipient{Devices: test.devices}, Template: "sample.news", Subject: "News", Short: "Spring",
		})
		require.Equal(t, test.fails, err != nil, "%s: %v", name, err)
		require.Equal(t, test.id, id, name)
		require.Equal(t, test.permanent, notify.IsPermanent(err), "%s: %v", name, err)
	}
	require.Equal(t, "News/Spring/sample.news", f.last.Load())
	require.Equal(t, int32(1), f.tokens.Load(), "the token is used until it expires")
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []config.Secret{"", "hello", "{}", `{"project_id":"a/b","client_email":"x","private_key":"x","token_uri":"x"}`} {
		err := fcm.Config{Credentials: c, URL: "https://fcm.googleapis.com"}.Validate()
		require.ErrorContains(t, err, "fcm.credentials")
	}
}
