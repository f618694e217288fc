package identity

import (
	"context"
	"fmt"

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
	if !i.cfg.Registration {
		return User{}, Tenant{}, identityapi.ErrRegistrationClosed
	}
	if err := r.check(i.passwords); err != nil {
		return User{}, Tenant{}, err
	}
	hash, err := i.passwords.hash(ctx, r.password)
	if err != nil {
		return User{}, Tenant{}, fmt.Errorf("hash the password: %w", err)
	}
	u, err := newUser(r.email, r.name, hash)
	if err != nil {
		return User{}, Tenant{}, err
	}
	t, err := newTenant(r.tenantName, customer)
	if err != nil {
		return User{}, Tenant{}, err
	}
	err = i.tx.InTx(tenant.System(ctx, "registration"), func(ctx context.Context) error {
		if t, err = i.founder.found(ctx, u, t, slugs(slugify(t.Name)), authz.Owner); err != nil {
			return err
		}
		return i.trail.Record(ctx, audit.Entry{
			Action: "identity.user.register", Target: userTarget(u.ID), Tenant: t.ID, Actor: u.ID,
		})
	})
	if err != nil {
		return User{}, Tenant{}, fmt.Errorf("register: %w", err)
	}
	return u, t, nil
}

// check names every field that is not acceptable.
func (r registration) check(p *passwords) error {
	var bad []problem.Field
	for _, fault := range []*problem.Field{
		checkEmail(r.email), p.check(r.password), checkName("name", r.name), checkName("tenant_name", r.tenantName),
	} {
		if fault != nil {
			bad = append(bad, *fault)
		}
	}
	if len(bad) > 0 {
		return identityapi.ErrRegistrationInvalid.With(bad...)
	}
	return nil
}
