package identity

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
	"github.com/yourorg/platform/pkg/web"
)

// tenancy is what can be done with tenants and with their members.
type tenancy struct {
	cfg         Config
	tx          tx.Runner
	users       *users
	tenants     *tenants
	members     *members
	sessions    *sessions
	invitations *invitations
	founder     *founder
	revoker     auth.Revoker
	announcer   tenant.Announcer
	access      authz.Authorizer
	roles       authz.Roles
	grants      authz.Grants
	trail       audit.Recorder
	erasers     []tenant.MemberEraser
}

func newTenancy(
	cfg Config, run tx.Runner, u *users, t *tenants, m *members, s *sessions, inv *invitations, f *founder,
	revoker auth.Revoker, announcer tenant.Announcer, access authz.Authorizer, roles authz.Roles, grants authz.Grants,
	trail audit.Recorder, erasers module.MemberErasers,
) *tenancy {
	return &tenancy{
		cfg: cfg, tx: run, users: u, tenants: t, members: m, sessions: s, invitations: inv, founder: f,
		revoker: revoker, announcer: announcer, access: access, roles: roles, grants: grants, trail: trail,
		erasers: erasers.All,
	}
}

func tenantTarget(id tenant.ID) string { return "identity.tenant:" + id.String() }

// list returns the caller's tenants, newest first; or everybody's, for who may inspect them.
func (t *tenancy) list(ctx context.Context, c *auth.Caller, all bool, before tenant.ID, limit int) ([]Tenant, error) {
	if !all {
		return t.tenants.page(tenant.System(ctx, "the tenants of a user"), c.UserID, before, limit)
	}
	if err := t.access.Authorize(ctx, identityapi.PermTenantInspect); err != nil {
		return nil, err
	}
	if err := t.operates(ctx, c); err != nil {
		return nil, err
	}
	return t.tenants.page(tenant.System(ctx, "the operator lists tenants"), uuid.Nil, before, limit)
}

// create makes a tenant that the caller owns. A slug that the caller chose must be free; a derived one gets a suffix
// until it is.
func (t *tenancy) create(ctx context.Context, c *auth.Caller, name, slug string) (Tenant, error) {
	if c.SessionID == uuid.Nil {
		return Tenant{}, identityapi.ErrSessionRequired
	}
	if !t.cfg.Registration {
		return Tenant{}, identityapi.ErrRegistrationClosed
	}
	var bad []problem.Field
	if fault := checkName("name", name); fault != nil {
		bad = append(bad, *fault)
	}
	if fault := checkSlug(slug); slug != "" && fault != nil {
		bad = append(bad, *fault)
	}
	if len(bad) > 0 {
		return Tenant{}, identityapi.ErrTenantInvalid.With(bad...)
	}
	n, err := newTenant(name, customer)
	if err != nil {
		return Tenant{}, err
	}
	wanted := slugs(slugify(n.Name))
	if slug != "" {
		wanted = slices.Values([]string{slug})
	}
	err = t.tx.InTx(tenant.System(ctx, "a new tenant"), func(ctx context.Context) error {
		if n, err = t.founder.establish(ctx, n, c.UserID, wanted, authz.Owner); err != nil {
			return err
		}
		return t.trail.Record(ctx, audit.Entry{Action: "identity.tenant.create", Target: tenantTarget(n.ID), Tenant: n.ID})
	})
	if err != nil {
		return Tenant{}, fmt.Errorf("create tenant: %w", err)
	}
	return n, nil
}

// get returns the caller's own tenant; the operator may look at any.
func (t *tenancy) get(ctx context.Context, c *auth.Caller, id tenant.ID) (Tenant, error) {
	if id == c.TenantID {
		return t.tenants.find(ctx, id)
	}
	if t.access.Authorize(ctx, identityapi.PermTenantInspect) != nil || t.operates(ctx, c) != nil {
		return Tenant{}, identityapi.ErrTenantNotFound // as if it did not exist
	}
	return t.tenants.find(tenant.System(ctx, "the operator looks at a tenant"), id)
}

// update changes the caller's own tenant, in the version that the caller has seen.
func (t *tenancy) update(ctx context.Context, c *auth.Caller, id tenant.ID, seen web.Condition, wish tenantChange) (after Tenant, err error) {
	if id != c.TenantID {
		return Tenant{}, identityapi.ErrTenantNotFound
	}
	return t.change(ctx, id, func(before Tenant) (Tenant, error) {
		if !seen.Holds(before.Version) {
			return before, identityapi.ErrTenantChanged
		}
		if wish.requireMFA != nil && *wish.requireMFA != before.RequireMFA {
			if err := t.decideMFA(ctx, c, *wish.requireMFA); err != nil {
				return before, err
			}
		}
		return before.apply(wish)
	})
}

// remove ends the caller's own tenant for everybody at once. Its rows are erased when the grace period is over.
func (t *tenancy) remove(ctx context.Context, c *auth.Caller, id tenant.ID, seen web.Condition) (Tenant, error) {
	if id != c.TenantID {
		return Tenant{}, identityapi.ErrTenantNotFound
	}
	return t.change(ctx, id, func(n Tenant) (Tenant, error) {
		if !seen.Holds(n.Version) {
			return n, identityapi.ErrTenantChanged
		}
		if n.Kind == operator {
			return n, identityapi.ErrTenantOperator
		}
		if n.EraseAt == nil {
			at := now().Add(t.cfg.TenantDeletionGrace)
			n.EraseAt = &at
			n.Version++
		}
		return n, nil
	})
}

// suspend lets nobody act in a tenant until it is resumed.
func (t *tenancy) suspend(ctx context.Context, c *auth.Caller, id tenant.ID) (Tenant, error) {
	return t.oversee(ctx, c, id, "identity.tenant.suspend", func(n Tenant) (Tenant, error) {
		if n.Kind == operator {
			return n, identityapi.ErrTenantOperator
		}
		return n.suspend(now()), nil
	})
}

// resume lifts a suspension, and calls off a deletion whose grace period is not over.
func (t *tenancy) resume(ctx context.Context, c *auth.Caller, id tenant.ID) (Tenant, error) {
	return t.oversee(ctx, c, id, "identity.tenant.resume", func(n Tenant) (Tenant, error) {
		if n.EraseAt != nil && !n.EraseAt.After(now()) {
			return n, identityapi.ErrTenantNotFound // it is being erased
		}
		return n.resume(), nil
	})
}

// oversee is change for the operator. It is on record in the trail of the tenant, and by the platform in the operator's.
func (t *tenancy) oversee(
	ctx context.Context, c *auth.Caller, id tenant.ID, action string, fn func(Tenant) (Tenant, error),
) (after Tenant, err error) {
	if err := t.operates(ctx, c); err != nil {
		return Tenant{}, err
	}
	ctx = tenant.System(ctx, "the operator changes a tenant")
	err = t.tx.InTx(ctx, func(ctx context.Context) error {
		if after, err = t.change(ctx, id, fn); err != nil {
			return err
		}
		return t.trail.Record(ctx, audit.Entry{Action: action, Target: tenantTarget(id), Tenant: id})
	})
	return after, err
}

// operates refuses who is not in the operator's own tenant, whatever roles somebody may have made there.
func (t *tenancy) operates(ctx context.Context, c *auth.Caller) error {
	own, err := t.tenants.find(ctx, c.TenantID)
	if err != nil {
		return err
	}
	if own.Kind != operator {
		return identityapi.ErrTenantNotFound
	}
	return nil
}

// change keeps what fn makes of a tenant, and tells the replicas what is different.
func (t *tenancy) change(ctx context.Context, id tenant.ID, fn func(Tenant) (Tenant, error)) (after Tenant, err error) {
	err = t.tx.InTx(ctx, func(ctx context.Context) error {
		before, err := t.tenants.forChange(ctx, id)
		if err != nil {
			return err
		}
		if after, err = fn(before); err != nil || after.Version == before.Version {
			return err
		}
		if err := t.tenants.update(ctx, after); err != nil {
			return err
		}
		return t.announce(ctx, before, after)
	})
	if err != nil {
		return Tenant{}, fmt.Errorf("change tenant: %w", err)
	}
	return after, nil
}

func (t *tenancy) announce(ctx context.Context, before, after Tenant) error {
	stale := []string{}
	if before.Slug != after.Slug {
		stale = append(stale, before.Slug, after.Slug)
	} else if (before.EraseAt == nil) != (after.EraseAt == nil) {
		stale = append(stale, after.Slug)
	}
	for _, slug := range stale {
		if err := t.announcer.SlugChanged(ctx, slug); err != nil {
			return err
		}
	}
	if before.status() == after.status() && before.RequireMFA == after.RequireMFA {
		return nil
	}
	return t.revoker.RecheckTenant(ctx, after.ID)
}
