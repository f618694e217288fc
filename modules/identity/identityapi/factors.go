package identityapi

import (
	"context"

	"github.com/yourorg/platform/pkg/problem"
)

// What a caller can be told about second factors. Codes are stable.
var (
	ErrMFACodeWrong   = problem.New(problem.Unauthenticated, "identity.mfa_code_wrong", "The code is wrong or was used before")
	ErrMFAEnrolled    = problem.New(problem.Conflict, "identity.mfa_enrolled", "There is such a second factor already")
	ErrMFANotEnrolled = problem.New(problem.Conflict, "identity.mfa_not_enrolled", "There is no second factor yet")

	// ErrMFATokenInvalid is one answer to a token that was never issued, was used, has expired, or was tried too often.
	ErrMFATokenInvalid = problem.New(problem.Unauthenticated, "identity.mfa_token_invalid", "The sign-in has to be begun again")

	// ErrCodeWrong is ErrMFACodeWrong for somebody who has signed in: the access token is as good as before.
	ErrCodeWrong     = problem.New(problem.Forbidden, "identity.code_wrong", "The code is wrong or was used before")
	ErrStepUpInvalid = problem.New(problem.Invalid, "identity.step_up_invalid", "This does not prove who you are")
)

// Factors is what an operator can do for users who have lost what they prove themselves with.
type Factors interface {
	// Reset removes every second factor and recovery code of the user with an address, ends the user's sessions, puts it
	// on record and tells the user. It reports how many factors there were; a user who is not there has none.
	Reset(ctx context.Context, email string) (removed int, err error)
}
