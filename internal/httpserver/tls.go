package httpserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/config"
)

// TLS is the "http.tls" section of the configuration.
type TLS struct {
	// CertFile is a file with the certificate and those that lead to its authority, in PEM. With it the server speaks
	// TLS 1.2 or newer and HTTP/2, and nothing else. A file that changes is read again within a second.
	CertFile string `mapstructure:"cert_file"`
	// KeyFile is a file with the private key of the certificate, in PEM.
	KeyFile string `mapstructure:"key_file"`
}

// On tells whether the server speaks TLS.
func (t TLS) On() bool { return t.CertFile != "" }

func (t TLS) validate() error {
	switch {
	case t.CertFile == "" && t.KeyFile != "":
		return config.Invalid("tls.cert_file", "must be set together with tls.key_file")
	case t.CertFile != "" && t.KeyFile == "":
		return config.Invalid("tls.key_file", "must be set together with tls.cert_file")
	}
	return nil
}

const certificateLook = time.Second // at most one look at the files in this time

// certificate is what the files of TLS hold. It is read again when they have changed, so that a renewed one needs no
// restart; while they do not belong together, as in the middle of a renewal, the one before stays.
type certificate struct {
	files TLS
	log   *zap.Logger

	mu      sync.Mutex
	current *tls.Certificate
	version string    // of the files that current was read from
	refused string    // the version that was found unfit last
	looked  time.Time // when the files were looked at
}

func newCertificate(files TLS, log *zap.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log, looked: time.Now()}
	var err error
	if c.version, err = files.version(); err != nil {
		return nil, err
	}
	if c.current, err = files.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// get is asked for each connection.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= certificateLook {
		c.looked = now
		c.look()
	}
	return c.current, nil
}

func (c *certificate) look() {
	version, err := c.files.version()
	if err == nil && version == c.version {
		return
	}
	var renewed *tls.Certificate
	if err == nil {
		renewed, err = c.files.read()
	}
	if err != nil {
		if version != c.refused { // it is said once
			c.log.Warn("the certificate has changed and cannot be used, the one before stays", zap.Error(err))
		}
		c.refused = version
		return
	}
	c.current, c.version, c.refused = renewed, version, ""
	c.log.Info("the certificate has been renewed", zap.Time("expires", renewed.Leaf.NotAfter))
}

func (t TLS) read() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("http.tls: %w", err)
	}
	return &pair, nil
}

// version changes whenever one of the files does. It is "?" when one of them cannot be seen.
func (t TLS) version() (string, error) {
	cert, err1 := os.Stat(t.CertFile)
	key, err2 := os.Stat(t.KeyFile)
	if err := errors.Join(err1, err2); err != nil {
		return "?", fmt.Errorf("http.tls: %w", err)
	}
	return fmt.Sprint(cert.ModTime().UnixNano(), cert.Size(), key.ModTime().UnixNano(), key.Size()), nil
}
