package ops_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/event"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

// poured is the event of these tests.
type poured struct {
	Cups int `json:"cups"`
}

func (poured) Topic() string { return "tea.cup.poured" }
func (poured) Version() int  { return 1 }

// guest cannot stand tea.
type guest struct{}

func (guest) Name() string { return "tea.guest" }
func (guest) Subscriptions() []event.Subscription {
	return []event.Subscription{event.On(func(context.Context, poured) error { return event.Permanent(errors.New("too hot")) })}
}

type tea struct{}

func (tea) Name() string      { return "tea" }
func (tea) Migrations() fs.FS { return nil }
func (tea) Manifest() []byte  { return []byte("name: tea\nversion: 1.0.0\ndescription: Tea.\n") }
func (tea) Init() fx.Option {
	return fx.Options(module.Events(event.Declare[poured]()), fx.Provide(func() guest { return guest{} }), module.Subscribers[guest]())
}

type delivery struct {
	EventID    uuid.UUID `json:"event_id"`
	Topic      string
	TenantID   uuid.UUID `json:"tenant_id"`
	Subscriber string
	State      string
	Attempts   int
	Error      string
}

func TestTheOperatorSeesWhatWasParkedAndReplaysIt(t *testing.T) {
	t.Parallel()
	var publisher event.Publisher
	app := testapp.New(t, append(modules.All(), tea{}), testapp.Options{Extra: []fx.Option{fx.Populate(&publisher)}})
	customer := app.Register(t, "customer")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	for n := range 3 {
		require.NoError(t, publisher.Publish(tenant.NewContext(t.Context(), customer.TenantID), poured{Cups: n}))
	}
	var parked struct {
		Items []delivery
		Next  *string `json:"next_cursor"`
	}
	list := testapp.Call{Path: "/api/v1/ops/parked-events?limit=2", Token: admin}
	require.Eventually(t, func() bool {
		answer := app.Do(t, list)
		answer.JSON(t, &parked)
		return answer.Status == http.StatusOK && parked.Next != nil
	}, time.Minute, 10*time.Millisecond)
	first := parked.Items[0]
	require.Equal(t, delivery{EventID: first.EventID, Topic: "tea.cup.poured", TenantID: customer.TenantID, Subscriber: "tea.guest", State: "parked", Attempts: 1, Error: "too hot"}, first)
	list.Path += "&cursor=" + *parked.Next
	require.Eventually(t, func() bool {
		answer := app.Do(t, list)
		answer.JSON(t, &parked)
		return answer.Status == http.StatusOK && len(parked.Items) == 1
	}, time.Minute, 10*time.Millisecond)

	event := "/api/v1/ops/events/" + first.EventID.String()
	var shown struct {
		Event struct{ Topic string }
		Data  struct{ Cups int }
	}
	app.Want(t, http.StatusOK, testapp.Call{Path: event, Token: admin}).JSON(t, &shown)
	require.Equal(t, "tea.cup.poured", shown.Event.Topic)
	require.Zero(t, shown.Data.Cups)
	var replayed struct{ Deliveries int }
	replay := testapp.Call{Method: "POST", Path: event + "/replay", Token: admin, Body: map[string]any{}}
	app.Want(t, http.StatusOK, replay).JSON(t, &replayed)
	require.Equal(t, 1, replayed.Deliveries)
	replay.Body = map[string]any{"subscriber": "tea.nobody"}
	require.Equal(t, "event.no_subscriber", app.Want(t, http.StatusUnprocessableEntity, replay).Code(t))

	var page struct{ Items []struct{ ID uuid.UUID } }
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/ops/events?topic=tea.cup.poured&tenant_id=" + customer.TenantID.String(), Token: admin}).JSON(t, &page)
	require.Len(t, page.Items, 3)
	require.Equal(t, first.EventID, page.Items[2].ID, "newest first")
	app.Want(t, http.StatusBadRequest, testapp.Call{Path: "/api/v1/ops/parked-events?cursor=x", Token: admin})
	app.Want(t, http.StatusNotFound, testapp.Call{Path: "/api/v1/ops/events/" + uuid.NewString(), Token: admin})
}

func TestACustomerSeesNothingWhateverTheirRoles(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner := app.Register(t, "owner")
	call := testapp.Call{Path: "/api/v1/ops/events", Token: owner.Token}
	app.Want(t, http.StatusForbidden, call)
	require.NoError(t, app.Grants.Assign(t.Context(), owner.TenantID, owner.ID, "platform_admin"))
	require.Equal(t, "ops.operator_only", app.Want(t, http.StatusForbidden, call).Code(t))
}
