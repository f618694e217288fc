package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

// maxBcrypt bounds what is computed for an imported hash, as the bounds in phc.go do.
const maxBcrypt = 16

// imported tells whether a hash is bcrypt's, as other systems export it. It is accepted until its user signs in; until
// then a sign-in takes bcrypt's time.
func imported(stored string) bool {
	return strings.HasPrefix(stored, "$2a$") || strings.HasPrefix(stored, "$2b$") || strings.HasPrefix(stored, "$2y$")
}

// verifyImported compares in constant time. bcrypt sees the first 72 bytes of a password only.
func (p *passwords) verifyImported(ctx context.Context, password, stored string) (bool, error) {
	if cost, err := bcrypt.Cost([]byte(stored)); err != nil || cost > maxBcrypt {
		return false, errPHC
	}
	var outcome error
	if err := p.run(ctx, func() { outcome = bcrypt.CompareHashAndPassword([]byte(stored), []byte(password)) }); err != nil {
		return false, err
	}
	if outcome != nil && !errors.Is(outcome, bcrypt.ErrMismatchedHashAndPassword) {
		return false, errPHC
	}
	return outcome == nil, nil
}

// renew returns a new hash of a password that has just proved right, when the stored one is weaker than what is
// configured by now; otherwise it returns nothing.
func (p *passwords) renew(ctx context.Context, password, stored string) (string, error) {
	if !imported(stored) {
		h, err := parsePHC(stored)
		if err != nil {
			return "", err
		}
		if h.memory >= p.cost.memory && h.iterations >= p.cost.iterations {
			return "", nil
		}
	}
	hash, err := p.hash(ctx, password)
	if errors.Is(err, identityapi.ErrPasswordBusy) { // the next sign-in will do
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("hash the password anew: %w", err)
	}
	return hash, nil
}
