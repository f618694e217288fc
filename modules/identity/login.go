package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// credentials are what somebody gives to sign in.
type credentials struct {
	email, password string
	tenant          string // slug or id; empty means the oldest membership
	from            client
}

const actionLogin = "identity.session.login"

// login starts a session. Whoever does not prove to be an enabled user gets one and the same answer after the same
// queries, hash and row in the trail, so that neither the answer nor its time tells whether an address is known.
func (i *identity) login(ctx context.Context, c credentials) (Tokens, error) {
	ctx = tenant.System(ctx, "sign-in")
	u, err := i.users.byEmail(ctx, c.email)
	if err != nil {
		return Tokens{}, err
	}
	memberships, err := i.tenants.of(ctx, u.ID)
	if err != nil {
		return Tokens{}, err
	}
	attempt, err := i.lockout.begin(ctx, c.email, u.ID, c.from.ip)
	if err != nil {
		return Tokens{}, fmt.Errorf("begin a sign-in: %w", err)
	}
	proved, err := i.passwords.verify(ctx, c.password, u.PasswordHash)
	if err != nil {
		return Tokens{}, attempt.undecided(ctx, fmt.Errorf("verify the password: %w", err))
	}
	t, refused := choose(memberships, c.tenant)
	entry := audit.Entry{Action: actionLogin, Tenant: t.ID}
	if u.ID != uuid.Nil {
		entry.Target = userTarget(u.ID)
	}
	if !proved || u.DisabledAt != nil {
		entry.Outcome = audit.Failed
		return Tokens{}, i.turnAway(ctx, entry, identityapi.ErrInvalidCredentials)
	}
	if err := attempt.succeeded(ctx); err != nil {
		return Tokens{}, fmt.Errorf("sign in: %w", err)
	}
	stronger, err := i.passwords.renew(ctx, c.password, u.PasswordHash)
	if err != nil {
		return Tokens{}, err
	}
	return i.arrive(ctx, arrival{
		user: u, tenant: t, refused: refused, from: c.from, stronger: stronger,
		proof: authentication{at: now(), methods: []string{auth.MethodPassword}},
	})
}
