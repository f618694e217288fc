package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/authz"
	"github.com/yourorg/platform/pkg/tenant"
)

// Member is a user in a tenant.
type Member struct {
	ID       uuid.UUID // of the membership; they grow in the order of joining
	UserID   uuid.UUID
	Name     string
	Email    string
	Roles    []string // sorted
	JoinedAt time.Time
}

// kept are the roles that somebody must hold, wherever anybody does: without them nobody could give them out again.
var kept = []string{authz.Owner, authz.PlatformAdmin}

// listMembers returns at most limit members of the caller's tenant, in the order of joining.
func (t *tenancy) listMembers(ctx context.Context, c *auth.Caller, after uuid.UUID, limit int) ([]Member, error) {
	list, err := t.members.list(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(list))
	for i, m := range list {
		ids[i] = m.UserID
	}
	roles, err := t.grants.RolesOf(ctx, c.TenantID, ids...)
	if err != nil {
		return nil, fmt.Errorf("list the roles of members: %w", err)
	}
	for i, m := range list {
		list[i].Roles = roles[m.UserID]
	}
	return list, nil
}

// setRoles gives a member these roles and no others. The caller must hold what each role that comes or goes permits.
func (t *tenancy) setRoles(ctx context.Context, c *auth.Caller, user uuid.UUID, roles []string) (m Member, err error) {
	roles = slices.Compact(slices.Sorted(slices.Values(roles)))
	err = t.tx.InTx(ctx, func(ctx context.Context) error {
		if m, err = t.lockMember(ctx, c.TenantID, user); err != nil {
			return err
		}
		given, taken := without(roles, m.Roles), without(m.Roles, roles)
		if err := t.mayGrant(ctx, append(given, taken...)); err != nil {
			return err
		}
		if err := t.keep(ctx, c.TenantID, user, taken); err != nil {
			return err
		}
		m.Roles = roles
		return t.assign(ctx, c.TenantID, user, given, taken)
	})
	if err != nil {
		return Member{}, fmt.Errorf("change the roles of a member: %w", err)
	}
	return m, nil
}

// removeMember ends somebody's membership. The caller must hold what each of the member's roles permits.
func (t *tenancy) removeMember(ctx context.Context, c *auth.Caller, user uuid.UUID) error {
	err := t.tx.InTx(ctx, func(ctx context.Context) error {
		m, err := t.lockMember(ctx, c.TenantID, user)
		if err != nil {
			return err
		}
		if err := t.mayGrant(ctx, m.Roles); err != nil {
			return err
		}
		return t.part(ctx, c.TenantID, m)
	})
	if err != nil {
		return fmt.Errorf("remove a member: %w", err)
	}
	return nil
}

// leave ends the caller's own membership.
func (t *tenancy) leave(ctx context.Context, c *auth.Caller) error {
	if c.SessionID == uuid.Nil {
		return identityapi.ErrSessionRequired
	}
	err := t.tx.InTx(ctx, func(ctx context.Context) error {
		m, err := t.lockMember(ctx, c.TenantID, c.UserID)
		if err != nil {
			return err
		}
		return t.part(ctx, c.TenantID, m)
	})
	if err != nil {
		return fmt.Errorf("leave a tenant: %w", err)
	}
	return nil
}

// part takes everything from a member: roles, sessions, and the invitations that still speak for them.
func (t *tenancy) part(ctx context.Context, id tenant.ID, m Member) error {
	if err := t.keep(ctx, id, m.UserID, m.Roles); err != nil {
		return err
	}
	if err := t.assign(ctx, id, m.UserID, nil, m.Roles); err != nil {
		return err
	}
	gone, err := t.members.remove(ctx, m.UserID)
	if err != nil {
		return err
	}
	if !gone {
		return identityapi.ErrMemberNotFound
	}
	if err := t.invitations.withdrawFrom(ctx, m.UserID); err != nil {
		return err
	}
	if err := eraseMember(ctx, t.erasers, id, m.UserID); err != nil {
		return err
	}
	if err := t.sessions.revokeMember(ctx, id, m.UserID, now()); err != nil {
		return err
	}
	return t.revoker.RecheckTenant(ctx, id)
}

// eraseMember has every package remove what it keeps of a member of one tenant.
func eraseMember(ctx context.Context, erasers []tenant.MemberEraser, id tenant.ID, user uuid.UUID) error {
	ctx = tenant.NewContext(ctx, id)
	for _, eraser := range erasers {
		if err := eraser.EraseMember(ctx, id, user); err != nil {
			return fmt.Errorf("erase a member: %w", err)
		}
	}
	return nil
}

// lockMember finds a member with roles. Whoever else changes who owns the tenant waits until the transaction ends.
func (t *tenancy) lockMember(ctx context.Context, id tenant.ID, user uuid.UUID) (Member, error) {
	if _, err := t.tenants.forChange(ctx, id); err != nil {
		return Member{}, err
	}
	m, err := t.members.byUser(ctx, user)
	if err != nil {
		return Member{}, err
	}
	if m.Roles, err = t.grants.Roles(ctx, id, user); err != nil {
		return Member{}, fmt.Errorf("list the roles of a member: %w", err)
	}
	return m, nil
}

// keep answers ErrLastOwner when nobody but user holds one of the roles that somebody must keep. Who is disabled, or
// about to be erased, does not count.
func (t *tenancy) keep(ctx context.Context, id tenant.ID, user uuid.UUID, taken []string) error {
	for _, role := range kept {
		if !slices.Contains(taken, role) {
			continue
		}
		holders, err := t.grants.Holders(ctx, id, role)
		if err != nil {
			return fmt.Errorf("list the holders of a role: %w", err)
		}
		holders = slices.DeleteFunc(holders, func(holder uuid.UUID) bool { return holder == user })
		if holders, err = t.members.among(ctx, holders); err != nil {
			return err
		}
		n, err := t.users.staying(ctx, holders)
		if err != nil {
			return err
		}
		if n == 0 {
			return identityapi.ErrLastOwner.Detailf("Nobody else holds the role %s.", role)
		}
	}
	return nil
}

// mayGrant refuses roles that hold what the caller in ctx does not: nobody gives, or takes, more than they have.
func (t *tenancy) mayGrant(ctx context.Context, roles []string) error {
	for _, role := range roles {
		if err := t.roles.MayGrant(ctx, role); err != nil {
			return err
		}
	}
	return nil
}

// assign gives and takes roles, in the caller's transaction.
func (t *tenancy) assign(ctx context.Context, id tenant.ID, user uuid.UUID, given, taken []string) error {
	for _, role := range given {
		if err := t.grants.Assign(ctx, id, user, role); err != nil {
			return err
		}
	}
	for _, role := range taken {
		if err := t.grants.Unassign(ctx, id, user, role); err != nil {
			return err
		}
	}
	return nil
}

// without returns what a has and b has not.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
