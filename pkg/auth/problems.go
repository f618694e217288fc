package auth

import "github.com/yourorg/platform/pkg/problem"

// What a caller is told who is known and has to prove more. Codes are stable.
var (
	// ErrStepUpRequired means that the last authentication was too long ago: POST /api/v1/auth/step-up makes a new one.
	ErrStepUpRequired = problem.New(problem.Unauthenticated, "identity.step_up_required", "This needs a recent authentication")

	// ErrFactorRequired means that the tenant requires a second factor: enrol one, or sign in with it.
	ErrFactorRequired = problem.New(problem.Forbidden, "identity.mfa_required", "The tenant requires a second factor")
)
