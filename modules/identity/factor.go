package identity

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/auth"
)

// Factor is what a user proves to have beside the password. It counts once it is confirmed.
type Factor struct {
	ID          uuid.UUID
	UserID      uuid.UUID
	Kind        string
	CreatedAt   time.Time
	ConfirmedAt *time.Time // nil while it is being enrolled
	LastUsedAt  *time.Time

	sealed []byte // what proofs are held against
	mark   int64  // of the last proof: the next one must have a greater one
}

// sealContext ties a sealed secret to its row.
func (f Factor) sealContext() string { return "identity_factors/" + f.ID.String() }

// factorKind is how one kind of factor works. A passkey will be another: what it keeps is its public key, its mark is
// the signature counter, and its answer is bound to a challenge that it makes when a sign-in is begun.
type factorKind interface {
	// enrol makes what is kept of a new factor and what its user has to know of it, this once.
	enrol(u User) (kept []byte, shown enrolment, err error)

	// verify tells whether an answer proves the factor at a time, after its last mark. Which mark it has is kept, so that
	// the same answer proves nothing again.
	verify(kept []byte, last int64, answer string, at time.Time) (mark int64, ok bool, err error)
}

const kindTOTP = "totp"

// enrolment is what the user needs to set up the other side of a factor.
type enrolment struct {
	secret string // base32
	uri    string // otpauth://
	qr     []byte // the URI as a PNG
}

// several tells whether somebody proved who they are with more than one factor.
func (a authentication) several() bool { return slices.Contains(a.methods, auth.MethodMultiple) }

// and is the authentication after one more proof.
func (a authentication) and(at time.Time, methods ...string) authentication {
	all := append([]string{}, a.methods...)
	for _, m := range methods {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return authentication{at: at, methods: all}
}

// without is the authentication when its second factor is gone.
func (a authentication) without() authentication {
	left := []string{}
	for _, m := range a.methods {
		if m != auth.MethodMultiple && m != auth.MethodOTP {
			left = append(left, m)
		}
	}
	return authentication{at: a.at, methods: left}
}
