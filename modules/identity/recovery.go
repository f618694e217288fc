package identity

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

const (
	recoveryCodes  = 10 // that a user has at first
	recoveryLength = 10 // characters of base32, so 50 bits, which are guessed at a few times an hour at the most
)

// newRecoveryCode returns a code as it is shown: XXXXX-XXXXX, of A to Z and 2 to 7.
func newRecoveryCode() string {
	text := rand.Text()[:recoveryLength]
	return text[:recoveryLength/2] + "-" + text[recoveryLength/2:]
}

// normalizeCode makes one of all the ways in which people type a code: case, spaces and dashes do not count.
func normalizeCode(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\t' || r == '-' || r == '\u00a0' || r == '\u2010' || r == '\u2011' || r == '\u2013':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, typed)
}

// oneTime and recovery tell what a normalized code can be. They never agree on one.
func oneTime(code string) bool {
	return len(code) == 6 && !strings.ContainsFunc(code, func(r rune) bool { return r < '0' || r > '9' })
}

func recovery(code string) bool {
	return len(code) == recoveryLength &&
		!strings.ContainsFunc(code, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '2' || r > '7') })
}

// hashRecovery is what is kept of a normalized code. It is keyed, so that whoever reads the database cannot try out all
// codes, and bound to the user.
func (k *serverKey) hashRecovery(ctx context.Context, user uuid.UUID, code string) ([]byte, error) {
	hash, err := k.derive(ctx, "recovery code", user.String()+"\x00"+code)
	if err != nil {
		return nil, fmt.Errorf("hash a recovery code: %w", err)
	}
	return hash, nil
}

// newRecoveryCodes returns codes as they are shown, this once, and what is kept of them.
func (k *serverKey) newRecoveryCodes(ctx context.Context, user uuid.UUID) (shown []string, kept [][]byte, err error) {
	for range recoveryCodes {
		code := newRecoveryCode()
		hash, err := k.hashRecovery(ctx, user, normalizeCode(code))
		if err != nil {
			return nil, nil, err
		}
		shown, kept = append(shown, code), append(kept, hash)
	}
	return shown, kept, nil
}
