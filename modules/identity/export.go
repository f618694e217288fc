package identity

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/tenant"
)

// maxExported bounds the events of an export, the newest first.
const maxExported = 10_000

// export is everything that the platform holds about a user.
type export struct {
	at          time.Time
	user        User
	memberships []exportedMembership
	sessions    []heldSession
	identities  []linked
	change      *emailChange // that waits for its confirmation
	factors     []Factor
	codes       int // recovery codes that are left
	events      []exportedEvent
	complete    bool // no event was left out
}

type exportedMembership struct {
	heldMembership

	roles []string
}

type exportedEvent struct {
	audit.Event

	tenant tenant.ID
}

// export collects what the platform holds about the caller, in all tenants, and records that it was taken.
func (i *identity) export(ctx context.Context, c *auth.Caller) (e export, err error) {
	if c.SessionID == uuid.Nil { // a key is handed to programs, and this is everything about a person
		return e, identityapi.ErrSessionRequired
	}
	e.at = now()
	if e.user, err = i.users.byID(ctx, c.UserID); err != nil {
		return e, err
	}
	held, err := i.tenants.held(ctx, c.UserID)
	if err != nil {
		return e, err
	}
	var places []tenant.ID
	for _, m := range held {
		roles, err := i.grants.Roles(ctx, m.tenant.ID, c.UserID)
		if err != nil {
			return e, err
		}
		e.memberships = append(e.memberships, exportedMembership{heldMembership: m, roles: roles})
		places = append(places, m.tenant.ID)
	}
	if e.sessions, err = i.sessions.history(ctx, c.UserID); err != nil {
		return e, err
	}
	if e.identities, err = i.users.identities(ctx, c.UserID); err != nil {
		return e, err
	}
	for _, s := range e.sessions { // those of former memberships too
		if !slices.Contains(places, s.TenantID) {
			places = append(places, s.TenantID)
		}
	}
	change, found, err := i.changes.newest(ctx, c.UserID)
	if err != nil {
		return e, err
	}
	if found && !change.closed && change.ExpiresAt.After(e.at) {
		e.change = &change
	}
	if e.factors, err = i.second.factors.of(ctx, c.UserID); err != nil {
		return e, err
	}
	if e.codes, err = i.second.factors.codesLeft(ctx, c.UserID); err != nil {
		return e, err
	}
	if e.events, e.complete, err = i.eventsOf(ctx, c.UserID, places); err != nil {
		return e, err
	}
	return e, i.note(ctx, "identity.user.export", c.UserID)
}

// eventsOf lists what the user did, tenant by tenant, newest first.
func (i *identity) eventsOf(ctx context.Context, user uuid.UUID, places []tenant.ID) (list []exportedEvent, complete bool, err error) {
	for _, place := range places {
		filter := audit.Filter{Actor: user}
		for {
			page, err := i.events.Events(tenant.NewContext(ctx, place), filter)
			if err != nil {
				return nil, false, err
			}
			for _, event := range page {
				if len(list) == maxExported {
					return list, false, nil
				}
				list = append(list, exportedEvent{Event: event, tenant: place})
				filter.Before = event.ID
			}
			if len(page) == 0 {
				break
			}
		}
	}
	return list, true, nil
}
