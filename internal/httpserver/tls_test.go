package httpserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/telemetry"
	"github.com/yourorg/platform/internal/testapp"
)

// pair is a certificate of its own authority, for 127.0.0.1, in two files.
type pair struct{ cert, key string }

func (p pair) write(t *testing.T, serial int64) *x509.CertPool {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(p.cert, certPEM, 0o600))
	require.NoError(t, os.WriteFile(p.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(certPEM))
	return pool
}

func newPair(t *testing.T) pair {
	t.Helper()
	dir := t.TempDir()
	return pair{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
}

// over asks on a connection of its own, and returns the answer and the serial number of what the server showed.
func over(t *testing.T, url string, roots *x509.CertPool) (*http.Response, int64, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/version", nil)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, 0, err
	}
	require.NoError(t, response.Body.Close())
	return response, response.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
}

func TestTheServerSpeaksTLSAndShowsARenewedCertificate(t *testing.T) {
	t.Parallel()
	files := newPair(t)
	roots := files.write(t, 1)
	app := probed(t, nil, testapp.Options{Set: []string{"http.tls.cert_file=" + files.cert, "http.tls.key_file=" + files.key}})
	require.Contains(t, app.URL, "https://")
	answer, serial, err := over(t, app.URL, roots)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, 2, answer.ProtoMajor)
	require.EqualValues(t, 1, serial)
	require.Equal(t, "max-age=31536000", answer.Header.Get("Strict-Transport-Security"))

	require.NoError(t, os.WriteFile(files.key, []byte("half a ke"), 0o600))
	require.Eventually(t, func() bool {
		_, serial, err := over(t, app.URL, roots)
		require.NoError(t, err, "the one before stays")
		require.EqualValues(t, 1, serial)
		return app.Log.FilterMessage("the certificate has changed and cannot be used, the one before stays").Len() == 1
	}, time.Minute, 20*time.Millisecond)

	renewed := files.write(t, 2)
	require.Eventually(t, func() bool {
		_, serial, err := over(t, app.URL, renewed)
		return err == nil && serial == 2
	}, time.Minute, 20*time.Millisecond)

	plain, err := http.Get("http" + app.URL[len("https"):] + "/version")
	require.NoError(t, err)
	require.NoError(t, plain.Body.Close())
	require.Equal(t, http.StatusBadRequest, plain.StatusCode, "nothing is answered in the clear")
}

func TestACertificateThatCannotBeUsedEndsTheStart(t *testing.T) {
	t.Parallel()
	cfg := httpserver.DefaultConfig()
	cfg.TLS.CertFile = filepath.Join(t.TempDir(), "missing.crt")
	require.ErrorContains(t, cfg.Validate(), "tls.key_file")
	cfg.TLS.KeyFile = cfg.TLS.CertFile
	c, err := catalog.New([]byte("{name: core, version: 1.0.0, description: The platform., prefixes: [/core]}"), nil, nil)
	require.NoError(t, err)
	_, err = httpserver.New(cfg, httpserver.Deps{Log: zap.NewNop(), Metrics: telemetry.NewMetrics(), Catalog: c})
	require.ErrorContains(t, err, "http.tls: ")
	require.ErrorContains(t, err, "missing.crt")
}
