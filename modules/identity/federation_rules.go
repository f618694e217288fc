package identity

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
)

// recognize finds out which user an identity provider vouches for: by the identity that is linked; else by an address
// that is proved on both sides; else it is somebody new. It never hands an account over on the word of one side. It
// wants to be called in a transaction.
func (f *federation) recognize(ctx context.Context, u upstream, v vouched) (User, error) {
	l, found, err := f.users.identityOf(ctx, u.key, v)
	if err != nil {
		return User{}, err
	}
	if found {
		return f.known(ctx, u, v, l)
	}
	if v.email == "" || !v.emailVerified {
		return User{}, identityapi.ErrEmailNotVouched
	}
	who, err := f.users.byEmail(ctx, v.email)
	if err != nil {
		return User{}, err
	}
	if who.ID == uuid.Nil {
		return f.enroll(ctx, u, v)
	}
	if err := f.mayClaim(ctx, u, who); err != nil {
		return User{}, err
	}
	return who, f.link(ctx, u, v, who)
}

// known is a user who came this way before.
func (f *federation) known(ctx context.Context, u upstream, v vouched, l linked) (User, error) {
	who, err := f.users.byID(ctx, l.UserID)
	if err != nil {
		return User{}, err
	}
	if who.DisabledAt != nil {
		return User{}, identityapi.ErrUserDisabled
	}
	if u.owner != nil {
		if err := f.admit(ctx, u, v, who); err != nil {
			return User{}, err
		}
	}
	return who, f.users.identityUsed(ctx, l.ID, now())
}

// mayClaim refuses an account that somebody may have made with an address that is not theirs: whoever made it would
// keep the password to what the rightful owner then uses. A tenant's provider gets at the tenant's own members alone.
func (f *federation) mayClaim(ctx context.Context, u upstream, who User) error {
	if who.DisabledAt != nil {
		return identityapi.ErrUserDisabled
	}
	if who.EmailVerifiedAt == nil {
		return identityapi.ErrLinkRequired
	}
	if u.owner == nil {
		return nil
	}
	in, err := f.tenancy.members.among(tenant.NewContext(ctx, u.owner.TenantID), []uuid.UUID{who.ID})
	if err == nil && len(in) == 0 {
		return identityapi.ErrLinkRequired
	}
	return err
}

// enroll makes a user. The operator's providers bring people who found a tenant of their own, as a registration does;
// a tenant's provider brings members.
func (f *federation) enroll(ctx context.Context, u upstream, v vouched) (User, error) {
	if u.owner == nil && !f.cfg.Registration {
		return User{}, identityapi.ErrRegistrationClosed
	}
	if u.owner != nil && !u.owner.JIT {
		return User{}, identityapi.ErrNotAMember
	}
	who, err := newUser(v.email, v.displayName(), "")
	if err != nil {
		return User{}, err
	}
	who.EmailVerifiedAt = &who.CreatedAt
	if u.owner != nil {
		if err := f.users.insert(ctx, who); err != nil {
			return User{}, err
		}
		if err := f.admit(ctx, u, v, who); err != nil {
			return User{}, err
		}
		return who, f.link(ctx, u, v, who)
	}
	t, err := newTenant(who.Name, customer)
	if err != nil {
		return User{}, err
	}
	if t, err = f.founder.found(ctx, who, t, slugs(slugify(t.Name)), authz.Owner); err != nil {
		return User{}, err
	}
	err = f.trail.Record(ctx, audit.Entry{Action: "identity.user.register", Target: userTarget(who.ID), Tenant: t.ID, Actor: who.ID})
	if err != nil {
		return User{}, err
	}
	return who, f.link(ctx, u, v, who)
}

// admit makes somebody a member of the tenant whose provider vouches for them, if it takes people in that way.
func (f *federation) admit(ctx context.Context, u upstream, v vouched, who User) error {
	id := u.owner.TenantID
	within := tenant.NewContext(ctx, id)
	in, err := f.tenancy.members.among(within, []uuid.UUID{who.ID})
	if err != nil || len(in) > 0 {
		return err
	}
	if !u.owner.JIT {
		return identityapi.ErrNotAMember
	}
	home, err := f.tenants.forChange(ctx, id)
	switch {
	case err != nil:
		return err
	case home.EraseAt != nil:
		return identityapi.ErrProviderUnknown
	case home.SuspendedAt != nil:
		return identityapi.ErrTenantSuspended
	}
	if in, err = f.tenancy.members.among(within, []uuid.UUID{who.ID}); err != nil || len(in) > 0 { // meanwhile
		return err
	}
	roles, err := f.existing(within, u.owner.roles(v))
	if err != nil {
		return err
	}
	if len(roles) == 0 {
		return identityapi.ErrNotAMember
	}
	if err := f.tenants.join(ctx, id, who.ID); err != nil {
		return err
	}
	if err := f.tenancy.assign(ctx, id, who.ID, roles, nil); err != nil {
		return err
	}
	return f.trail.Record(ctx, audit.Entry{Action: "identity.federation.join", Target: userTarget(who.ID), Tenant: id, Actor: who.ID})
}

// existing are those of roles that the tenant in ctx has: one may have been deleted since it was mapped. The operator's
// role is not among them.
func (f *federation) existing(ctx context.Context, roles []string) (kept []string, err error) {
	after := uuid.Nil
	for {
		list, err := f.tenancy.roles.List(ctx, after, 200)
		if err != nil {
			return nil, err
		}
		for _, role := range list {
			if after = role.ID; slices.Contains(roles, role.Name) && role.Name != authz.PlatformAdmin {
				kept = append(kept, role.Name)
			}
		}
		if len(list) < 200 {
			return kept, nil
		}
	}
}

// linkTo links an identity to the user who asked for it.
func (f *federation) linkTo(ctx context.Context, u upstream, v vouched, user uuid.UUID) error {
	who, err := f.users.byID(ctx, user)
	if err != nil {
		return err
	}
	if who.DisabledAt != nil {
		return identityapi.ErrUserDisabled
	}
	if u.owner != nil {
		in, err := f.tenancy.members.among(tenant.NewContext(ctx, u.owner.TenantID), []uuid.UUID{user})
		if err != nil || len(in) == 0 {
			return either(err, identityapi.ErrNotAMember)
		}
	}
	l, found, err := f.users.identityOf(ctx, u.key, v)
	switch {
	case err != nil:
		return err
	case found && l.UserID == user:
		return nil
	case found:
		return identityapi.ErrIdentityTaken
	}
	return f.link(ctx, u, v, who)
}

// link is told to the user by mail: it is a new way into the account.
func (f *federation) link(ctx context.Context, u upstream, v vouched, who User) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	at := now()
	l := linked{
		ID: id, UserID: who.ID, Provider: u.key, Issuer: v.issuer, Subject: v.subject, Email: v.email, CreatedAt: at, LastUsedAt: &at,
	}
	if u.owner != nil {
		l.Owner = &u.owner.ID
	}
	if err := f.users.link(ctx, l); err != nil {
		return err
	}
	if err := f.mail.send(ctx, plainLetter(reaching(who), "identity_linked", fields{"provider": u.name})); err != nil {
		return err
	}
	return f.note(ctx, "identity.federation.link", who.ID)
}

// unlink takes an identity away from the caller, unless it is the only way in.
func (f *federation) unlink(ctx context.Context, user, id uuid.UUID) error {
	return f.tx.InTx(ctx, func(ctx context.Context) error {
		if err := f.users.unlink(ctx, user, id); err != nil {
			return err
		}
		who, err := f.users.byID(ctx, user)
		if err != nil {
			return err
		}
		left, err := f.users.identities(ctx, user)
		if err == nil && len(left) == 0 && who.PasswordHash == "" {
			return identityapi.ErrLastIdentity
		}
		return err
	})
}

// hidden makes of a provider that is not there what a stranger is told.
func hidden(err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok && p.Is(identityapi.ErrProviderNotFound) {
		return identityapi.ErrProviderUnknown.Wrap(err)
	}
	return err
}

func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }
