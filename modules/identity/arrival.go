package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/logger"
)

// authentication is when and how somebody proved who they are.
type authentication struct {
	at      time.Time
	methods []string // of pkg/auth
}

// client is where somebody asks from, as they say, and how the tokens are to get there.
type client struct {
	userAgent, ip string
	cookie        bool // in cookies, out of the reach of scripts
}

func clientOf(ctx context.Context) client {
	if r := logger.FromContext(ctx); r != nil {
		return client{userAgent: r.UserAgent, ip: r.IP}
	}
	return client{}
}

// arrival is a user who has proved who they are, by whatever means, and asks for a session.
type arrival struct {
	user    User
	tenant  Tenant
	refused error // why the user cannot act in the tenant, or nil
	proof   authentication
	from    client

	pending  uuid.UUID // the sign-in that this finishes; zero when there was none
	stronger string    // a new hash of the password that was given; empty when the old one will do
}

// arrive is the one way to a session for those who come from outside: whatever holds for all sign-ins is asked here. Who
// has a second factor and has not given it yet gets a token to go on with instead.
func (i *identity) arrive(ctx context.Context, a arrival) (Tokens, error) {
	if a.refused == nil && i.gate.requireVerified && a.user.EmailVerifiedAt == nil {
		a.refused = identityapi.ErrEmailUnverified
	}
	if a.refused != nil {
		return Tokens{}, i.turnAway(ctx, a.entry(audit.Denied), a.refused)
	}
	methods, err := i.second.asked(ctx, a.user.ID, a.proof)
	if err != nil {
		return Tokens{}, err
	}
	if len(methods) == 0 {
		out, err := i.admit(ctx, a)
		if !errors.Is(err, errFactorAsked) {
			return out, err
		}
		if methods, err = i.second.asked(ctx, a.user.ID, a.proof); err != nil {
			return Tokens{}, err
		}
	}
	return i.await(ctx, a, methods)
}

func (a arrival) entry(outcome audit.Outcome) audit.Entry {
	return audit.Entry{
		Action: actionLogin, Tenant: a.tenant.ID, Target: userTarget(a.user.ID), Actor: a.user.ID, Outcome: outcome,
	}
}

// errFactorAsked means that the user has enrolled a second factor since it was asked for.
var errFactorAsked = errors.New("a second factor was enrolled in the meantime")

// admit starts the session.
func (i *identity) admit(ctx context.Context, a arrival) (out Tokens, err error) {
	s, err := newSession(a.user.ID, a.tenant.ID, a.proof, a.from, i.cfg.RefreshTTL)
	if err != nil {
		return Tokens{}, err
	}
	err = i.tx.InTx(ctx, func(ctx context.Context) error {
		if a.pending != uuid.Nil {
			claimed, err := i.second.signIns.claim(ctx, a.pending, now())
			if err != nil {
				return err
			}
			if !claimed {
				return identityapi.ErrMFATokenInvalid
			}
		}
		if err := i.welcome(ctx, a.user, a.stronger); err != nil {
			return err
		}
		if err := i.sessions.insert(ctx, s); err != nil {
			return err
		}
		// Whoever enrols waits for the row that was inserted, and ends the session; or this waits, and sees the factor.
		if methods, err := i.second.asked(ctx, a.user.ID, a.proof); err != nil || len(methods) > 0 {
			if err == nil {
				err = errFactorAsked
			}
			return err
		}
		if out, err = i.issue(ctx, s, a.from.cookie); err != nil {
			return err
		}
		entry := a.entry("")
		entry.Target = sessionTarget(s.ID)
		return i.trail.Record(ctx, entry)
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("sign in: %w", err)
	}
	return out, nil
}

// turnAway keeps what happened, in a transaction of its own, and returns the answer.
func (i *identity) turnAway(ctx context.Context, e audit.Entry, answer error) error {
	if err := i.tx.InTx(ctx, func(ctx context.Context) error { return i.trail.Record(ctx, e) }); err != nil {
		return fmt.Errorf("record a refused sign-in: %w", err)
	}
	return answer
}
