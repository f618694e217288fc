package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// registration is what somebody gives who wants to become the owner of a new tenant.
type registration struct{ email, password, name, tenantName string }

// register creates a user and a tenant. The password is hashed before the transaction begins.
func (i *identity) register(ctx context.Context, r registration) (User, Tenant, error) {
	u, t, err := i.prepare(ctx, r)
	if err != nil {
		return User{}, Tenant{}, err
	}
	err = i.tx.InTx(tenant.System(ctx, "registration"), func(ctx context.Context) error {
		t, err = i.enter(ctx, u, t)
		return err
	})
	if err != nil {
		return User{}, Tenant{}, fmt.Errorf("register: %w", err)
	}
	return u, t, nil
}

// registerConcealed is register for a platform that does not tell who has an account. Before the answer it does only
// what does not depend on the address; whose it is comes out afterwards, and is told by mail.
func (i *identity) registerConcealed(ctx context.Context, r registration) error {
	u, t, err := i.prepare(ctx, r)
	if err != nil {
		return err
	}
	ctx = tenant.System(ctx, "registration")
	return i.later.do(ctx, "register", func(ctx context.Context) error {
		known, err := i.users.byEmail(ctx, u.Email)
		if err != nil {
			return err
		}
		if known.ID == uuid.Nil {
			_, err = i.enter(ctx, u, t)
			return err
		}
		soon, err := i.mail.tooSoon(ctx, known, forReset)
		if err != nil || soon || known.DisabledAt != nil {
			return err
		}
		if err := i.mail.accountExists(ctx, known); err != nil {
			return err
		}
		return i.note(ctx, "identity.user.register_again", known.ID)
	})
}

// prepare checks a registration and hashes its password.
func (i *identity) prepare(ctx context.Context, r registration) (u User, t Tenant, err error) {
	if !i.cfg.Registration {
		return u, t, identityapi.ErrRegistrationClosed
	}
	if err := r.check(i.passwords); err != nil {
		return u, t, err
	}
	hash, err := i.passwords.hash(ctx, r.password)
	if err != nil {
		return u, t, fmt.Errorf("hash the password: %w", err)
	}
	if u, err = newUser(r.email, r.name, hash); err != nil {
		return u, t, err
	}
	t, err = newTenant(r.tenantName, customer)
	return u, t, err
}

// enter keeps a new user with a tenant, and mails the link that verifies the address. It wants to be called in a
// transaction.
func (i *identity) enter(ctx context.Context, u User, t Tenant) (Tenant, error) {
	t, err := i.founder.found(ctx, u, t, slugs(slugify(t.Name)), authz.Owner)
	if err != nil {
		return t, err
	}
	if err := i.mail.verification(ctx, u); err != nil {
		return t, err
	}
	return t, i.trail.Record(ctx, audit.Entry{
		Action: "identity.user.register", Target: userTarget(u.ID), Tenant: t.ID, Actor: u.ID,
	})
}

// check names every field that is not acceptable.
func (r registration) check(p *passwords) error {
	var bad []problem.Field
	for _, fault := range []*problem.Field{
		checkEmail(r.email), p.check(r.password, r.email, r.name, r.tenantName), checkName("name", r.name), checkName("tenant_name", r.tenantName),
	} {
		if fault != nil {
			bad = append(bad, *fault)
		}
	}
	if len(bad) == 1 && bad[0].Field == "password" {
		return identityapi.ErrPasswordWeak.With(bad...)
	}
	if len(bad) > 0 {
		return identityapi.ErrRegistrationInvalid.With(bad...)
	}
	return nil
}
