package identity

import (
	"context"
	"fmt"
	"iter"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

// identity is what the module can do, whoever asks: register, login, refresh, logout, me.
type identity struct {
	*accounts

	cfg       Config
	tx        tx.Runner
	users     *users
	tenants   *tenants
	sessions  *sessions
	founder   *founder
	passwords *passwords
	families  *families
	lockout   *lockout
	tokens    auth.Authenticator
	revoker   auth.Revoker
	grants    authz.Grants
	trail     audit.Recorder
	second    *secondFactor
}

func newIdentity(
	cfg Config, run tx.Runner, u *users, t *tenants, s *sessions, f *founder, p *passwords,
	tokens auth.Authenticator, revoker auth.Revoker, grants authz.Grants, trail audit.Recorder, a *accounts,
	line *families, l *lockout, second *secondFactor,
) *identity {
	return &identity{
		cfg: cfg, tx: run, users: u, tenants: t, sessions: s, founder: f, passwords: p,
		tokens: tokens, revoker: revoker, grants: grants, trail: trail, accounts: a, families: line, lockout: l, second: second,
	}
}

// profile is what the caller may know about itself.
type profile struct {
	user        User
	tenant      Tenant
	roles       []string
	permissions []perm.Permission
}

// me describes the caller. Roles and permissions are the current ones, not those at the time of the token.
func (i *identity) me(ctx context.Context, c *auth.Caller) (p profile, err error) {
	if p.user, err = i.users.byID(ctx, c.UserID); err != nil {
		return p, err
	}
	if p.tenant, err = i.tenants.byID(ctx, c.TenantID); err != nil {
		return p, err
	}
	if p.roles, err = i.grants.Roles(ctx, c.TenantID, c.UserID); err != nil {
		return p, fmt.Errorf("list the caller's roles: %w", err)
	}
	if p.permissions, err = i.grants.Permissions(ctx, c.TenantID, c.UserID); err != nil {
		return p, fmt.Errorf("list the caller's permissions: %w", err)
	}
	return p, nil
}

// founder creates tenants with their first user.
type founder struct {
	users   *users
	tenants *tenants
	grants  authz.Grants
	changed tenant.Announcer
}

func newFounder(u *users, t *tenants, g authz.Grants, changed tenant.Announcer) *founder {
	return &founder{users: u, tenants: t, grants: g, changed: changed}
}

// found creates u and t, with the first of the slugs that is free, and makes u a member with the given roles. It wants
// to be called in a transaction.
func (f *founder) found(ctx context.Context, u User, t Tenant, slugs iter.Seq[string], roles ...string) (Tenant, error) {
	if err := f.users.insert(ctx, u); err != nil {
		return t, err
	}
	return f.establish(ctx, t, u.ID, slugs, roles...)
}

// establish is found for a user who is there already.
func (f *founder) establish(ctx context.Context, t Tenant, user uuid.UUID, slugs iter.Seq[string], roles ...string) (Tenant, error) {
	free := false
	for t.Slug = range slugs {
		var err error
		if free, err = f.tenants.insert(ctx, t); err != nil {
			return t, err
		}
		if free {
			break
		}
	}
	if !free {
		return t, identityapi.ErrSlugTaken
	}
	if err := f.changed.SlugChanged(ctx, t.Slug); err != nil {
		return t, err
	}
	if err := f.tenants.join(ctx, t.ID, user); err != nil {
		return t, err
	}
	for _, role := range roles {
		if err := f.grants.Assign(ctx, t.ID, user, role); err != nil {
			return t, fmt.Errorf("assign the role %s: %w", role, err)
		}
	}
	return t, nil
}

// What the trail says that something was done to.
func userTarget(id uuid.UUID) string    { return "identity.user:" + id.String() }
func sessionTarget(id uuid.UUID) string { return "identity.session:" + id.String() }
