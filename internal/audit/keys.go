package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/audit/ent"
	"github.com/yourorg/platform/internal/secret"
)

const algorithm = "Ed25519"

// Keys sign checkpoints and authenticate events. They live in the database, sealed, and are the same on every replica.
// They are never removed: what they signed must stay verifiable.
type Keys struct {
	db      *ent.Client
	sealer  *secret.Sealer
	current atomic.Pointer[keySet]
}

// NewKeys returns keys that are not loaded yet.
func NewKeys(db *ent.Client, sealer *secret.Sealer) *Keys {
	k := &Keys{db: db, sealer: sealer}
	k.current.Store(&keySet{})
	return k
}

// PublicKey verifies checkpoints and exports.
type PublicKey struct {
	ID  uuid.UUID
	Key ed25519.PublicKey
}

// keySet is what one load has found, the newest first. It never changes.
type keySet struct{ keys []*key }

type key struct {
	PublicKey
	private ed25519.PrivateKey
	mac     []byte // for the events, derived from the private key
}

// load reads the keys. One that cannot be opened is an error: its rows could not be told from forged ones.
func (k *Keys) load(ctx context.Context) (*keySet, error) {
	rows, err := k.db.Key.Query().All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the audit keys: %w", err)
	}
	set := &keySet{}
	for _, row := range rows {
		opened, err := k.open(row)
		if err != nil {
			return nil, fmt.Errorf("audit key %s: %w", row.ID, err)
		}
		set.keys = append(set.keys, opened)
	}
	slices.SortFunc(set.keys, func(a, b *key) int { return strings.Compare(b.ID.String(), a.ID.String()) })
	k.current.Store(set)
	return set, nil
}

func (k *Keys) open(row *ent.Key) (*key, error) {
	if row.Algorithm != algorithm {
		return nil, fmt.Errorf("the algorithm %q is not known to this version", row.Algorithm)
	}
	seed, err := k.sealer.Open(row.PrivateKey, sealContext(row.ID))
	if err != nil {
		return nil, fmt.Errorf("it cannot be opened with the current security.encryption_key: %w", err)
	}
	opened, err := newKey(row.ID, seed)
	if err == nil && !opened.Key.Equal(ed25519.PublicKey(row.PublicKey)) {
		err = errors.New("its public key does not belong to its private key")
	}
	return opened, err
}

func newKey(id uuid.UUID, seed []byte) (*key, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("it holds %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey)
	mac, err := hkdf.Key(sha256.New, seed, nil, "platform audit event mac v1", sha256.Size)
	if err != nil {
		return nil, err
	}
	return &key{PublicKey: PublicKey{ID: id, Key: public}, private: private, mac: mac}, nil
}

// create adds a key. Whoever calls it holds the head, so that replicas that start together make one.
func (k *Keys) create(ctx context.Context) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	sealed, err := k.sealer.Seal(private.Seed(), sealContext(id))
	if err != nil {
		return err
	}
	return k.db.Key.Create().SetID(id).SetAlgorithm(algorithm).SetPublicKey(public).SetPrivateKey(sealed).Exec(ctx)
}

func sealContext(id uuid.UUID) string { return "audit_keys/" + id.String() }

// newest signs; nil before the keys are loaded.
func (s *keySet) newest() *key {
	if len(s.keys) == 0 {
		return nil
	}
	return s.keys[0]
}

func (s *keySet) public() []PublicKey {
	all := make([]PublicKey, len(s.keys))
	for i, k := range s.keys {
		all[i] = k.PublicKey
	}
	return all
}

// authentic tells whether one of the keys has authenticated the row.
func (s *keySet) authentic(r *record) bool {
	return slices.ContainsFunc(s.keys, func(k *key) bool { return hmac.Equal(r.authenticate(k.mac), r.mac) })
}

func (k *key) sign(message []byte) []byte { return ed25519.Sign(k.private, message) }

// verified tells whether one of keys, the one named id, signed message.
func verified(keys []PublicKey, id uuid.UUID, message, signature []byte) bool {
	at := slices.IndexFunc(keys, func(k PublicKey) bool { return k.ID == id })
	return at >= 0 && ed25519.Verify(keys[at].Key, message, signature)
}
