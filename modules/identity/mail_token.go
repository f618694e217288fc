package identity

import (
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/google/uuid"
)

// What a mailed link is for.
const (
	forVerification = "verify_email"
	forReset        = "reset_password"
)

// mailToken is a link that was mailed to a user. It is good once, until it expires, and only as long as the user still
// has the address that it went to.
type mailToken struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	Purpose   string
	Email     string
	Hash      []byte // SHA-256 of the token
	CreatedAt time.Time
	ExpiresAt time.Time
}

// newMailToken returns a token of 256 random bits, which only the mail holds, and its row.
func newMailToken(u User, purpose string, ttl time.Duration) (secret string, t mailToken, err error) {
	id, err := uuid.NewV7()
	secret = newSecret()
	at := now()
	return secret, mailToken{
		ID: id, UserID: u.ID, Purpose: purpose, Email: u.Email, Hash: hashToken(secret), CreatedAt: at, ExpiresAt: at.Add(ttl),
	}, err
}

// newSecret returns 256 random bits as 43 characters that fit into a link.
func newSecret() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(raw)
}
