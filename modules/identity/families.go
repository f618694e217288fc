package identity

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/notify"
)

// families says how the refresh tokens of a session follow each other.
type families struct {
	grace  time.Duration // how long a used token still returns its successor
	life   time.Duration // of the session, from its sign-in
	key    *serverKey
	sender notify.Notifier
}

func newFamilies(rules auth.SessionRules, key *serverKey, sender notify.Notifier) *families {
	return &families{grace: rules.RefreshGrace, life: rules.SessionAbsolute, key: key, sender: sender}
}

// successor is the token that follows another one. Only hashes of tokens are stored, so it is made from the token
// itself, with a key that nobody outside has: whoever reads the database learns neither, and every replica makes the
// same one.
func (f *families) successor(ctx context.Context, secret string) (string, error) {
	next, err := f.key.derive(ctx, "refresh successor", secret)
	if err != nil {
		return "", fmt.Errorf("derive the next refresh token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(next), nil
}

// warn tells the user of a session why it has ended.
func (f *families) warn(ctx context.Context, all *users, s Session) error {
	u, err := all.byID(ctx, s.UserID)
	if err != nil {
		return err
	}
	_, err = f.sender.Send(ctx, plainLetter(reaching(u), "refresh_reused", fields{
		"device": device(s.UserAgent), "since": s.CreatedAt.UTC(), "ip": s.IP,
	}))
	if err != nil {
		return fmt.Errorf("tell the user of the reused token: %w", err)
	}
	return nil
}
