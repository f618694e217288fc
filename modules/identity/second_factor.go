package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/secret"
)

// secondFactor is what identity needs to have people prove more than their password.
type secondFactor struct {
	cfg     MFAConfig
	kinds   map[string]factorKind
	factors *factors
	signIns *signIns
	sealer  secret.Sealer
	key     *serverKey
	lockout *lockout
}

func newSecondFactor(cfg Config, f *factors, s *signIns, sealer secret.Sealer, key *serverKey, l *lockout) *secondFactor {
	strict := *l
	strict.rules = factorRules(l.rules)
	return &secondFactor{
		cfg: cfg.MFA, factors: f, signIns: s, sealer: sealer, key: key, lockout: &strict,
		kinds: map[string]factorKind{kindTOTP: totpKind{issuer: cfg.MFA.Issuer, skew: int64(cfg.MFA.Skew)}},
	}
}

// factorRules are stricter than those of passwords: there are few codes, and nobody gets to guess them who has not
// given the password or stolen a token, so that no stranger can cause these locks.
func factorRules(r auth.LockoutRules) auth.LockoutRules {
	r.Longest *= 30
	r.ResetAfter = max(r.ResetAfter, r.Longest, 24*time.Hour)
	return r
}

// begin counts an attempt of a user to give a code, in all sign-ins and sessions together.
func (f *secondFactor) begin(ctx context.Context, u User) (*attempt, error) {
	a, err := f.lockout.begin(ctx, "second factor of "+u.ID.String(), u.ID, clientOf(ctx).ip)
	if err != nil {
		return nil, fmt.Errorf("begin to verify a code: %w", err)
	}
	return a, nil
}

// check tells whether a code proves one of the user's confirmed factors, or is a recovery code, and uses it up.
func (f *secondFactor) check(ctx context.Context, u User, typed string) (ok, recovered bool, err error) {
	code := normalizeCode(typed)
	switch {
	case recovery(code):
		hash, err := f.key.hashRecovery(ctx, u.ID, code)
		if err != nil {
			return false, false, err
		}
		ok, err = f.factors.useCode(ctx, u.ID, hash, now())
		return ok, true, err
	case oneTime(code):
		ok, err = f.checkOneTime(ctx, u, code)
		return ok, false, err
	}
	return false, false, nil
}

func (f *secondFactor) checkOneTime(ctx context.Context, u User, code string) (bool, error) {
	held, err := f.factors.confirmed(ctx, u.ID)
	if err != nil {
		return false, err
	}
	for _, factor := range held {
		mark, ok, err := f.verify(factor, code)
		if err != nil {
			return false, err
		}
		if ok {
			return f.factors.claim(ctx, factor.ID, mark, now())
		}
	}
	return false, nil
}

func (f *secondFactor) verify(factor Factor, code string) (mark int64, ok bool, err error) {
	kind := f.kinds[factor.Kind]
	if kind == nil {
		return 0, false, fmt.Errorf("the factor %s is of an unknown kind", factor.ID)
	}
	kept, err := f.sealer.Open(factor.sealed, factor.sealContext())
	if err != nil {
		return 0, false, fmt.Errorf("the factor %s cannot be opened with the current security.encryption_key: %w", factor.ID, err)
	}
	return kind.verify(kept, factor.mark, code, now())
}

// asked tells whether a user who has proved this much has to prove a second factor, and with what that can be done.
func (f *secondFactor) asked(ctx context.Context, user uuid.UUID, proof authentication) (methods []string, err error) {
	if proof.several() {
		return nil, nil
	}
	held, err := f.factors.confirmed(ctx, user)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	for _, factor := range held {
		methods = append(methods, factor.Kind)
	}
	return append(methods, "recovery_code"), nil
}

// proveFactor answers ErrCodeWrong unless a code is the user's. It counts however it comes: a session token that was
// stolen is no way to guess codes faster.
func (i *identity) proveFactor(ctx context.Context, u User, code string) error {
	attempt, err := i.second.begin(ctx, u)
	if err != nil {
		return err
	}
	return i.decide(ctx, attempt, u, code)
}

// decide looks at the code of an attempt that has been counted.
func (i *identity) decide(ctx context.Context, a *attempt, u User, code string) error {
	var ok bool
	err := i.tx.InTx(ctx, func(ctx context.Context) (err error) {
		recovered := false
		if ok, recovered, err = i.second.check(ctx, u, code); err != nil || !ok || !recovered {
			return err
		}
		left, err := i.second.factors.codesLeft(ctx, u.ID)
		if err != nil {
			return err
		}
		if err := i.mail.send(ctx, plainLetter(reaching(u), "recovery_code_used", fields{"left": left})); err != nil {
			return err
		}
		return i.note(ctx, "identity.mfa.use_recovery_code", u.ID)
	})
	if err != nil {
		return a.undecided(ctx, fmt.Errorf("verify a code: %w", err))
	}
	if !ok {
		return identityapi.ErrCodeWrong
	}
	return a.succeeded(ctx)
}
