package auth

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
)

// keySet is what one load of the keys has found. It never changes.
type keySet struct {
	keys   map[uuid.UUID]*key
	signer *key // nil when there is none
	jwks   []byte
	until  time.Time // when the first of them verifies no more; zero when all go on
}

// jwk is a public key as RFC 7517 and RFC 8037 write it.
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	X         string `json:"x"`
}

func newKeySet(keys []*key) *keySet {
	slices.SortFunc(keys, newest)
	s := &keySet{keys: make(map[uuid.UUID]*key, len(keys))}
	published := make([]jwk, 0, len(keys))
	for _, k := range keys {
		s.keys[k.id] = k
		if s.signer == nil && k.until.IsZero() {
			s.signer = k
		}
		if !k.until.IsZero() && (s.until.IsZero() || k.until.Before(s.until)) {
			s.until = k.until
		}
		published = append(published, jwk{
			Type: "OKP", Curve: "Ed25519", Use: "sig", Algorithm: algorithm,
			ID: k.id.String(), X: base64.RawURLEncoding.EncodeToString(k.public),
		})
	}
	s.jwks, _ = json.Marshal(map[string][]jwk{"keys": published}) // strings only: it cannot fail
	return s
}

// find returns nil for a key that is unknown or has been retired for too long.
func (s *keySet) find(kid uuid.UUID) *key {
	k := s.keys[kid]
	if k == nil || !k.until.IsZero() && !time.Now().Before(k.until) {
		return nil
	}
	return k
}

// without leaves out the keys that verify no more.
func (s *keySet) without(now time.Time) *keySet {
	var left []*key
	for _, k := range s.keys {
		if k.until.IsZero() || now.Before(k.until) {
			left = append(left, k)
		}
	}
	return newKeySet(left)
}

// JWKS is the content of /.well-known/jwks.json: the public keys, the newest first. Do not change it.
func (k *Keys) JWKS() []byte {
	set := k.current.Load()
	if now := time.Now(); !set.until.IsZero() && !now.Before(set.until) {
		less := set.without(now)
		k.current.CompareAndSwap(set, less) // or there is a newer one already
		set = less
	}
	return set.jwks
}
