// Package secret keeps what is secret unreadable in the database.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/secret"
)

// ErrOpen is what Open answers to anything that Seal did not make with the same key and context.
var ErrOpen = secret.ErrOpen

// version is the first byte of what is sealed, so that another construction can follow.
const version = 1

// Sealer encrypts with AES-256-GCM under one key. It may be used by several goroutines, once it has its key.
type Sealer struct{ aead cipher.AEAD }

var _ secret.Sealer = (*Sealer)(nil)

// New takes the key from cfg. Without one, development and tests make their own and keep it in cfg.KeyFile; every other
// environment refuses, because replicas with a key each could not read each other's secrets.
func New(cfg Config, env config.Environment) (*Sealer, error) {
	s := &Sealer{}
	return s, s.load(cfg, env)
}

func (s *Sealer) load(cfg Config, env config.Environment) error {
	key, err := findKey(cfg, env)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return fmt.Errorf("prepare the encryption key: %w", err)
	}
	if s.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return fmt.Errorf("prepare the encryption key: %w", err)
	}
	return nil
}

func findKey(cfg Config, env config.Environment) ([]byte, error) {
	if err := cfg.Usable(env); err != nil {
		return nil, err
	}
	if cfg.EncryptionKey != "" {
		key, err := parseKey(cfg.EncryptionKey.Reveal())
		if err != nil {
			return nil, fmt.Errorf("security.encryption_key %w", err)
		}
		return key, nil
	}
	key, err := keyFromFile(cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("security.key_file: %w", err)
	}
	return key, nil
}

// Seal encrypts plain. The context, such as the table and id of the row that it is for, is not kept: Open needs the
// same one, so that a value moved elsewhere is worthless. One key is good for 2³² calls, because nonces are random.
func (s *Sealer) Seal(plain []byte, context string) ([]byte, error) {
	out := make([]byte, 1, 1+s.aead.Overhead()+len(plain))
	out[0] = version
	return s.aead.Seal(out, nil, plain, associated(context)), nil
}

// Open returns what was sealed for context, or ErrOpen.
func (s *Sealer) Open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) < 1+s.aead.Overhead() || sealed[0] != version {
		return nil, ErrOpen
	}
	plain, err := s.aead.Open(nil, nil, sealed[1:], associated(context))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// associated binds the version too, so that it cannot be changed to that of a weaker construction.
func associated(context string) []byte { return append([]byte{version}, context...) }
