package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// signIn is a sign-in that waits for a second factor.
type signIn struct {
	ID        uuid.UUID
	UserID    uuid.UUID
	TenantID  uuid.UUID
	CreatedAt time.Time
	ExpiresAt time.Time

	hash     []byte   // SHA-256 of the token
	digest   []byte   // of the password hash at the time
	stronger string   // see arrival
	methods  []string // that were given so far
}

// passwordDigest changes with the password.
func passwordDigest(u User) []byte {
	sum := sha256.Sum256([]byte(u.PasswordHash))
	return sum[:]
}

const actionChallenge = "identity.session.challenge"

// await answers an arrival with a token instead of a session: whoever has it can finish the sign-in with a code.
func (i *identity) await(ctx context.Context, a arrival, methods []string) (Tokens, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Tokens{}, err
	}
	token, at := newSecret(), now()
	s := signIn{
		ID: id, UserID: a.user.ID, TenantID: a.tenant.ID, CreatedAt: at, ExpiresAt: at.Add(i.second.cfg.SignInTTL),
		hash: hashToken(token), digest: passwordDigest(a.user), stronger: a.stronger, methods: a.proof.methods,
	}
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		if err := i.second.signIns.insert(ctx, s); err != nil {
			return err
		}
		return i.trail.Record(ctx, audit.Entry{
			Action: actionChallenge, Tenant: a.tenant.ID, Target: userTarget(a.user.ID), Actor: a.user.ID,
		})
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("ask for a second factor: %w", err)
	}
	return Tokens{MFAToken: token, MFAMethods: methods}, nil
}

// finishLogin finishes a sign-in with a code. Whatever holds for sign-ins is asked again: minutes have passed. An
// attempt counts before its code is looked at, for the sign-in as for the user, whose sign-ins may be many.
func (i *identity) finishLogin(ctx context.Context, token, code string, from client) (Tokens, error) {
	ctx = tenant.System(ctx, "second factor")
	limit := i.second.cfg.Attempts
	s, ok, err := i.second.signIns.good(ctx, hashToken(token), limit, now())
	if err != nil {
		return Tokens{}, err
	}
	if !ok {
		return Tokens{}, identityapi.ErrMFATokenInvalid
	}
	a, err := i.resume(ctx, s, from)
	if err != nil {
		return Tokens{}, err
	}
	attempt, err := i.second.begin(ctx, a.user)
	if err != nil {
		return Tokens{}, err
	}
	counted, err := i.second.signIns.attempt(ctx, s.ID, limit, now())
	if err != nil {
		return Tokens{}, attempt.undecided(ctx, err)
	}
	if !counted {
		return Tokens{}, attempt.undecided(ctx, identityapi.ErrMFATokenInvalid)
	}
	err = i.decide(ctx, attempt, a.user, code)
	if errors.Is(err, identityapi.ErrCodeWrong) {
		return Tokens{}, i.wrongCode(ctx, a)
	}
	if err != nil {
		return Tokens{}, err
	}
	a.proof = a.proof.and(now(), auth.MethodOTP, auth.MethodMultiple)
	return i.arrive(ctx, a)
}

// resume is the arrival that was left waiting, as far as it still holds.
func (i *identity) resume(ctx context.Context, s signIn, from client) (arrival, error) {
	u, err := i.users.byID(ctx, s.UserID)
	if err != nil {
		return arrival{}, err
	}
	if u.DisabledAt != nil || subtle.ConstantTimeCompare(passwordDigest(u), s.digest) == 0 {
		return arrival{}, identityapi.ErrMFATokenInvalid
	}
	memberships, err := i.tenants.of(ctx, u.ID)
	if err != nil {
		return arrival{}, err
	}
	t, refused := choose(memberships, s.TenantID.String())
	if errors.Is(refused, identityapi.ErrNotAMember) {
		t.ID = s.TenantID // where it is put on record
	}
	return arrival{
		user: u, tenant: t, refused: refused, from: from, stronger: s.stronger, pending: s.ID,
		proof: authentication{at: s.CreatedAt, methods: s.methods},
	}, nil
}

// wrongCode keeps what happened and, when it was the last attempt, tells the user: somebody has the password.
func (i *identity) wrongCode(ctx context.Context, a arrival) error {
	err := i.tx.InTx(ctx, func(ctx context.Context) error {
		out, err := i.second.signIns.exhausted(ctx, a.pending, i.second.cfg.Attempts)
		if err != nil {
			return err
		}
		if out {
			if err := i.mail.send(ctx, plainLetter(reaching(a.user), "mfa_failed", nil)); err != nil {
				return err
			}
		}
		return i.trail.Record(ctx, audit.Entry{
			Action: actionLogin, Tenant: a.tenant.ID, Target: userTarget(a.user.ID), Outcome: audit.Failed,
		})
	})
	if err != nil {
		return fmt.Errorf("record a wrong code: %w", err)
	}
	return identityapi.ErrMFACodeWrong
}
