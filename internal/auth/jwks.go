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
	if k == nil || !k.until.IsZero() && time.Now().After(k.until) {
		return nil
	}
	return k
}

// JWKS is the content of /.well-known/jwks.json: the public keys, the newest first. Do not change it.
func (k *Keys) JWKS() []byte { return k.current.Load().jwks }
