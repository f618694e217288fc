package kafka_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/infra/kafka"
	"github.com/yourorg/platform/internal/testbroker"
	"github.com/yourorg/platform/pkg/config"
)

// trusted is a certificate that the system of these tests trusts, and stranger is one that it does not.
var trusted, stranger tls.Certificate

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kafka")
	if err == nil {
		trusted, err = certificate(filepath.Join(dir, "trusted.pem"))
	}
	if err == nil {
		stranger, err = certificate(filepath.Join(dir, "stranger.pem"))
	}
	if err == nil {
		err = os.Setenv("SSL_CERT_FILE", filepath.Join(dir, "trusted.pem")) // it is read once in a process
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// certificate makes one of this machine that signs itself, and writes it to a file.
func certificate(file string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kafka"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, os.WriteFile(file, encoded, 0o600)
}

const password = "correct horse battery staple"

func TestItSignsInByEachMechanismAndWithTLS(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{kafka.Plain, kafka.SHA256, kafka.SHA512} {
		for _, encrypted := range []bool{false, true} {
			if mechanism == kafka.Plain && !encrypted {
				continue // it is refused, see Validate
			}
			t.Run(fmt.Sprint(mechanism, ", TLS ", encrypted), func(t *testing.T) {
				t.Parallel()
				options := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "platform", password)}
				if encrypted {
					options = append(options, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{trusted}}))
				}
				b := testbroker.KafkaWith(t, options...)
				right := signingIn(b, mechanism, password, encrypted)
				require.NoError(t, right.Validate())
				c := opened(t, right)
				require.NoError(t, c.Publish("topic", message.NewMessage("1", nil)))
				g, err := c.Group("g", 1)
				require.NoError(t, err)
				in, err := g.Subscribe(t.Context(), "topic")
				require.NoError(t, err)
				select {
				case m := <-in:
					require.Equal(t, "1", m.UUID)
					m.Ack()
				case <-time.After(time.Minute):
					require.Fail(t, "nothing came")
				}
				require.NoError(t, g.Close())

				const wrong = "incorrect horse"
				err = opened(t, signingIn(b, mechanism, wrong, encrypted)).Publish("topic", message.NewMessage("2", nil))
				require.Error(t, err)
				require.NotContains(t, err.Error(), wrong)
			})
		}
	}
}

func TestItTalksToNoBrokerThatTheSystemDoesNotTrust(t *testing.T) {
	t.Parallel()
	for name, about := range map[string]struct {
		shows     tls.Certificate
		encrypted bool
		why       string
	}{"a stranger's certificate": {stranger, true, "certificate"}, "no TLS on this side": {trusted, false, "TLS"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := testbroker.KafkaWith(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{about.shows}}))
			cfg := kafka.DefaultConfig()
			cfg.Brokers, cfg.TLS = []string{b.Addr}, about.encrypted
			require.ErrorContains(t, opened(t, cfg).Publish("topic", message.NewMessage("1", nil)), about.why)
		})
	}
}

func signingIn(b *testbroker.Broker, mechanism, password string, encrypted bool) kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Brokers, cfg.Partitions, cfg.SessionTimeout = []string{b.Addr}, 1, 6*time.Second
	cfg.Username, cfg.Password, cfg.Mechanism, cfg.TLS = "platform", config.Secret(password), mechanism, encrypted
	return cfg
}

func opened(t *testing.T, cfg kafka.Config) *kafka.Cluster {
	t.Helper()
	c, err := kafka.New(cfg, "key", zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}
