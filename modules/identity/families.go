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
	sender notify.Sender
}

func newFamilies(rules auth.SessionRules, key *serverKey, sender notify.Sender) *families {
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
	err = f.sender.Send(ctx, notify.Message{
		To: u.Email, Kind: "identity.refresh_reused", Subject: "We have signed you out of a session",
		Text: "Somebody has sent us a sign-in token that had been used before. It may have been copied, so we have ended the\n" +
			"session that it belongs to:\n\n" +
			"    " + device(s.UserAgent) + ", signed in on " + s.CreatedAt.Format("2 January 2006 at 15:04 MST") + " from " + s.IP + "\n\n" +
			"Sign in again to go on. If you do not know that session, change your password.\n",
	})
	if err != nil {
		return fmt.Errorf("tell the user of the reused token: %w", err)
	}
	return nil
}
