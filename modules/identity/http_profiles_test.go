package identity_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/tenant"
)

func TestTheProfileOfATenant(t *testing.T) {
	t.Parallel()
	var profiles tenant.Profiles
	app := testapp.New(t, modules.All(), testapp.Options{Extra: []fx.Option{fx.Populate(&profiles)}})
	user := app.Register(t, "ada")
	known := func(id tenant.ID) bool {
		found, err := profiles.Known(tenant.System(t.Context(), "a test"), id)
		require.NoError(t, err)
		return found
	}
	zone := func() *time.Location {
		where, err := profiles.Zone(t.Context(), user.TenantID)
		require.NoError(t, err)
		return where
	}
	require.True(t, known(user.TenantID))
	require.False(t, known(uuid.New()))
	require.Equal(t, time.UTC, zone())

	setZone := func(level, name string) {
		app.Want(t, http.StatusOK, call("PATCH", "/api/v1/settings", user.Token, map[string]any{"scope": level, "values": map[string]any{"identity.time_zone": name}}))
	}
	setZone("tenant", "Pacific/Auckland")
	testapp.WithinASecond(t, func() bool { return zone().String() == "Pacific/Auckland" })
	require.Same(t, zone(), zone(), "it is loaded once")
	setZone("user", "Asia/Tokyo")
	setZone("tenant", "Europe/Berlin")
	testapp.WithinASecond(t, func() bool { return zone().String() == "Europe/Berlin" }, "a person's zone is not the tenant's")

	app.Want(t, http.StatusAccepted, call("DELETE", tenantsPath+"/"+user.TenantID.String(), user.Token, nil))
	require.False(t, known(user.TenantID), "one that is to be erased is as good as gone")
}
