package identity

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/modules/identity/identityapi"
	enttenant "github.com/yourorg/platform/modules/identity/internal/ent/tenant"
	"github.com/yourorg/platform/pkg/settings"
	"github.com/yourorg/platform/pkg/tenant"
)

// profiles implements tenant.Profiles.
type profiles struct {
	tenants  *tenants
	settings settings.Reader
	zones    sync.Map // of the names that the IANA knows, which are few
}

func newProfiles(t *tenants, r settings.Reader) tenant.Profiles {
	return &profiles{tenants: t, settings: r}
}

// Known implements tenant.Profiles.
func (p *profiles) Known(ctx context.Context, id tenant.ID) (bool, error) {
	found, err := p.tenants.client.Tenant.Query().Where(enttenant.ID(id), enttenant.EraseAtIsNil()).Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for a tenant: %w", err)
	}
	return found, nil
}

// Zone implements tenant.Profiles.
func (p *profiles) Zone(ctx context.Context, id tenant.ID) (*time.Location, error) {
	name, err := identityapi.TimeZone.GetFor(ctx, p.settings, id, uuid.Nil)
	if err != nil {
		return nil, fmt.Errorf("look up the time zone of a tenant: %w", err)
	}
	if zone, known := p.zones.Load(name); known {
		return zone.(*time.Location), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil { // the setting has been checked, and the zones are part of the binary
		return time.UTC, nil
	}
	p.zones.Store(name, zone)
	return zone, nil
}
