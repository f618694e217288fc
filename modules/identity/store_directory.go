package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	"github.com/yourorg/platform/modules/identity/internal/ent"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
)

// directory implements notify.Directory over members and what they have chosen.
type directory struct {
	members  *members
	users    *users
	settings settings.Reader
}

func newDirectory(m *members, u *users, r settings.Reader) notify.Directory {
	return &directory{members: m, users: u, settings: r}
}

// Person implements notify.Directory. Outside any tenant every user is known.
func (d *directory) Person(ctx context.Context, id, user uuid.UUID) (notify.Person, error) {
	var p notify.Person
	if user != uuid.Nil {
		u, err := d.find(ctx, id, user)
		if errors.Is(err, identityapi.ErrMemberNotFound) || ent.IsNotFound(err) {
			return p, notify.ErrRecipient.Wrap(err)
		}
		if err != nil {
			return p, fmt.Errorf("look up a recipient: %w", err)
		}
		p.Email, p.Name = u.Email, u.Name
	}
	var err error
	if p.Locale, err = identityapi.Locale.GetFor(ctx, d.settings, id, user); err != nil {
		return p, fmt.Errorf("look up the language of a recipient: %w", err)
	}
	zone, err := identityapi.TimeZone.GetFor(ctx, d.settings, id, user)
	if err != nil {
		return p, fmt.Errorf("look up the time zone of a recipient: %w", err)
	}
	if p.Zone, err = time.LoadLocation(zone); err != nil {
		p.Zone = time.UTC
	}
	return p, nil
}

func (d *directory) find(ctx context.Context, id, user uuid.UUID) (User, error) {
	if id == uuid.Nil {
		return d.users.byID(ctx, user)
	}
	m, err := d.members.byUser(tenant.NewContext(ctx, id), user)
	return User{ID: m.UserID, Email: m.Email, Name: m.Name}, err
}
