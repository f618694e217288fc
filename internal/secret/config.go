package secret

import (
	"crypto/aes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/yourorg/platform/pkg/config"
)

const keySize = 2 * aes.BlockSize // AES-256

// Config is the "security" section of the configuration.
type Config struct {
	// EncryptionKey seals what is secret in the database: base64 of 32 random bytes. What was sealed with it cannot be
	// read without it.
	EncryptionKey config.Secret `mapstructure:"encryption_key"`
	// KeyFile is where development and tests keep a key that they make themselves. It is not used elsewhere, nor when
	// encryption_key is set.
	KeyFile string `mapstructure:"key_file"`
}

// DefaultConfig has no key.
func DefaultConfig() Config { return Config{KeyFile: "data/encryption.key"} }

// Validate checks the form of the key, never showing it. Whether there must be one depends on the environment: see New.
func (c Config) Validate() error {
	var errs []error
	if c.EncryptionKey != "" {
		if _, err := parseKey(c.EncryptionKey.Reveal()); err != nil {
			errs = append(errs, config.Invalid("encryption_key", "%s", err))
		}
	}
	if c.KeyFile == "" {
		errs = append(errs, config.Invalid("key_file", "must name a file"))
	}
	return errors.Join(errs...)
}

// Usable says why a platform in env cannot start with these settings: only development and tests make a key themselves.
func (c Config) Usable(env config.Environment) error {
	if c.EncryptionKey == "" && env != config.Development && env != config.Test {
		return fmt.Errorf("security.encryption_key must be set when the environment is %s: %s, and keep it as safe as the database",
			env, howToMake)
	}
	return nil
}

// parseKey leaves the value out of its errors.
func parseKey(encoded string) ([]byte, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return nil, errors.New("is not base64: " + howToMake)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("holds %d bytes, not %d: %s", len(key), keySize, howToMake)
	}
	return key, nil
}

const howToMake = `make one with "openssl rand -base64 32"`
