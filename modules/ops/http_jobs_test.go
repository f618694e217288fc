package ops_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/tenant"
)

// brew is the job of these tests.
type brew struct {
	Cups int `json:"cups"`
}

func (brew) Kind() string { return "kettle.brew" }
func (brew) Version() int { return 1 }

// kettle cannot make much tea.
type kettle struct{}

func (kettle) Name() string      { return "kettle" }
func (kettle) Migrations() fs.FS { return nil }
func (kettle) Manifest() []byte  { return []byte("name: kettle\nversion: 1.0.0\ndescription: Tea.\n") }

func (kettle) Init() fx.Option {
	return fx.Options(fx.Provide(func() boiler { return boiler{} }), module.Workers[boiler](), module.Schedules[boiler]())
}

type boiler struct{}

func (boiler) Handlers() []job.Handler {
	return []job.Handler{job.On(func(ctx context.Context, b brew) error {
		if b.Cups > 1 {
			return job.Permanent(errors.New("too much"))
		}
		return job.Complete(ctx, map[string]int{"cups": b.Cups})
	})}
}

func (boiler) Schedules() []job.Schedule {
	return []job.Schedule{{Name: "kettle.nightly", Spec: "0 3 * * *", Zone: "Europe/Berlin", Args: brew{Cups: 1}}}
}

type shownJob struct {
	ID       uuid.UUID
	Kind     string
	State    string
	TenantID uuid.UUID `json:"tenant_id"`
	Attempt  int
	Error    string
}

func TestTheOperatorSeesJobsAndIntervenes(t *testing.T) {
	t.Parallel()
	var enqueuer job.Enqueuer
	app := testapp.New(t, append(modules.All(), kettle{}), testapp.Options{Extra: []fx.Option{fx.Populate(&enqueuer)}})
	customer := app.Register(t, "customer")
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	ctx := tenant.NewContext(t.Context(), customer.TenantID)
	done, err := enqueuer.Enqueue(ctx, brew{Cups: 1})
	require.NoError(t, err)
	failed, err := enqueuer.Enqueue(ctx, brew{Cups: 2})
	require.NoError(t, err)
	waiting, err := enqueuer.Enqueue(ctx, brew{Cups: 3}, job.In(time.Hour))
	require.NoError(t, err)
	var page struct {
		Items []shownJob
		Next  *string `json:"next_cursor"`
	}
	list := "/api/v1/ops/jobs?kind=kettle.brew&tenant_id=" + customer.TenantID.String()
	require.Eventually(t, func() bool {
		answer := app.Do(t, testapp.Call{Path: list + "&state=completed&state=failed", Token: admin})
		answer.JSON(t, &page)
		return answer.Status == http.StatusOK && len(page.Items) == 2
	}, time.Minute, 10*time.Millisecond)
	require.Equal(t, shownJob{ID: failed, Kind: "kettle.brew", State: "failed", TenantID: customer.TenantID, Attempt: 1, Error: "too much"}, page.Items[0])
	app.Want(t, http.StatusOK, testapp.Call{Path: list + "&limit=2", Token: admin}).JSON(t, &page)
	require.Equal(t, waiting, page.Items[0].ID)
	app.Want(t, http.StatusOK, testapp.Call{Path: list + "&limit=2&cursor=" + *page.Next, Token: admin}).JSON(t, &page)
	require.Equal(t, done, page.Items[0].ID)
	require.Nil(t, page.Next)
	app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Path: "/api/v1/ops/jobs?state=completed&state=sleeping", Token: admin})
	app.Want(t, http.StatusUnprocessableEntity, testapp.Call{Path: "/api/v1/ops/jobs?" + strings.Repeat("state=queued&", 8), Token: admin})
	app.Want(t, http.StatusBadRequest, testapp.Call{Path: "/api/v1/ops/jobs?cursor=x", Token: admin})

	one := "/api/v1/ops/jobs/"
	var details struct {
		Job          shownJob
		Args, Result struct{ Cups int }
	}
	app.Want(t, http.StatusOK, testapp.Call{Path: one + done.String(), Token: admin}).JSON(t, &details)
	require.Equal(t, 1, details.Args.Cups)
	require.Equal(t, 1, details.Result.Cups)
	app.Want(t, http.StatusNotFound, testapp.Call{Path: one + uuid.NewString(), Token: admin})
	var changed shownJob
	app.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: one + waiting.String() + "/cancel", Token: admin}).JSON(t, &changed)
	require.Equal(t, "canceled", changed.State)
	require.Equal(t, "job.state_conflict", app.Want(t, http.StatusConflict, testapp.Call{Method: "POST", Path: one + done.String() + "/retry", Token: admin}).Code(t))
	app.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: one + failed.String() + "/retry", Token: admin})
	app.Want(t, http.StatusNoContent, testapp.Call{Method: "DELETE", Path: one + done.String(), Token: admin})
	var affected struct{ Jobs int }
	bulk := testapp.Call{Method: "POST", Path: one + "actions", Token: admin, Body: map[string]any{"action": "delete", "states": []string{"canceled"}, "kind": "kettle.brew"}}
	app.Want(t, http.StatusOK, bulk).JSON(t, &affected)
	require.Equal(t, 1, affected.Jobs)
}

func TestTheOperatorSeesQueuesAndSchedulesAndPausesThem(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, append(modules.All(), kettle{}))
	admin, _ := app.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	post := func(status int, path string) testapp.Answer {
		return app.Want(t, status, testapp.Call{Method: "POST", Path: "/api/v1/ops/" + path, Token: admin})
	}
	var queues struct {
		Items []struct {
			Name    string
			Workers int
			Paused  bool
		}
	}
	post(http.StatusNoContent, "queues/default/pause")
	app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/ops/queues", Token: admin}).JSON(t, &queues)
	require.Len(t, queues.Items, 1)
	require.True(t, queues.Items[0].Paused)
	require.Equal(t, 10, queues.Items[0].Workers)
	post(http.StatusNoContent, "queues/default/resume")
	require.Equal(t, "job.name_unknown", post(http.StatusNotFound, "queues/none/pause").Code(t))

	var schedules struct {
		Items []struct {
			Name   string
			Paused bool
			Next   *time.Time `json:"next_at"`
		}
	}
	list := func() {
		app.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/ops/schedules", Token: admin}).JSON(t, &schedules)
		for schedules.Items[0].Name != "kettle.nightly" { // the platform has some, too
			schedules.Items = schedules.Items[1:]
		}
	}
	post(http.StatusNoContent, "schedules/kettle.nightly/pause")
	list()
	require.True(t, schedules.Items[0].Paused)
	require.Nil(t, schedules.Items[0].Next)
	var asked struct {
		JobID uuid.UUID `json:"job_id"`
	}
	post(http.StatusOK, "schedules/kettle.nightly/run").JSON(t, &asked)
	require.NotEqual(t, uuid.Nil, asked.JobID)
	post(http.StatusNoContent, "schedules/kettle.nightly/resume")
	require.Eventually(t, func() bool {
		list()
		return schedules.Items[0].Next != nil
	}, time.Minute, 10*time.Millisecond)
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	require.Equal(t, 3, schedules.Items[0].Next.In(berlin).Hour())
	post(http.StatusNotFound, "schedules/kettle.weekly/run")
}

func TestJobsAreDeniedToCustomers(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	owner := app.Register(t, "owner")
	call := testapp.Call{Path: "/api/v1/ops/jobs", Token: owner.Token}
	app.Want(t, http.StatusForbidden, call)
	require.NoError(t, app.Grants.Assign(t.Context(), owner.TenantID, owner.ID, "platform_admin"))
	require.Equal(t, "ops.operator_only", app.Want(t, http.StatusForbidden, call).Code(t))
}
