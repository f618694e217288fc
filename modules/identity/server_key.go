package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/secret"
)

// serverKey derives values that every replica can make again, and nobody who reads the database. The key is made by the
// first start and kept sealed.
type serverKey struct {
	store  *serverKeys
	sealer secret.Sealer
	key    atomic.Pointer[[]byte]
}

var _ module.Seeder = (*serverKey)(nil)

const serverKeyName = "derive"

func newServerKey(s *serverKeys, sealer secret.Sealer) *serverKey {
	return &serverKey{store: s, sealer: sealer}
}

// derive returns 32 bytes (HMAC-SHA256, RFC 2104) that depend on the purpose and the text. Called for the first time
// without Seed it reads the key, for which no transaction may be open.
func (k *serverKey) derive(ctx context.Context, purpose, text string) ([]byte, error) {
	key := k.key.Load()
	if key == nil {
		read, err := k.load(ctx)
		if err != nil {
			return nil, err
		}
		key = &read
		k.key.Store(key)
	}
	h := hmac.New(sha256.New, *key)
	_, _ = h.Write([]byte(purpose + "\x00" + text)) // a purpose has no zero byte
	return h.Sum(nil), nil
}

// Seed makes the key, or fails the start when it cannot be opened with the current encryption key.
func (k *serverKey) Seed(ctx context.Context) ([]string, error) {
	_, err := k.derive(ctx, "seed", "")
	return nil, err
}

// load may run on several replicas at once: the key that was stored first is everybody's.
func (k *serverKey) load(ctx context.Context) ([]byte, error) {
	sealed, err := k.store.find(ctx, serverKeyName)
	if err != nil {
		return nil, err
	}
	if sealed == nil {
		fresh := make([]byte, sha256.Size)
		_, _ = rand.Read(fresh) // never fails: crypto/rand ends the process instead
		if sealed, err = k.sealer.Seal(fresh, serverKeyContext); err != nil {
			return nil, fmt.Errorf("seal the server key: %w", err)
		}
		if sealed, err = k.store.keep(ctx, serverKeyName, sealed); err != nil {
			return nil, err
		}
	}
	key, err := k.sealer.Open(sealed, serverKeyContext)
	if err != nil {
		return nil, fmt.Errorf("the server key cannot be opened with the current security.encryption_key: %w", err)
	}
	return key, nil
}

const serverKeyContext = "identity_server_keys/" + serverKeyName
