package notify_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	notifications "github.com/yourorg/platform/internal/notify"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/tx"
)

type fields = map[string]any

// rig is a platform with the templates of testdata and a channel that does as it is told.
type rig struct {
	*testapp.App
	notifier notify.Notifier
	notify.Inspector
	notify.Preferring
	notify.Catalog
	tx     tx.Runner
	sweep  *notifications.Sweeper
	pigeon *pigeon
	ada    testapp.User
	admin  string // a token of the operator
}

func newRig(t *testing.T, options ...testapp.Options) *rig {
	t.Helper()
	r := &rig{pigeon: &pigeon{}}
	options = append(options, testapp.Options{
		Set: []string{"notify.sms=file", "notify.retry_min=1ms", "notify.retry_max=2ms", "notify.max_attempts=3", "jobs.poll_interval=20ms"},
		Extra: []fx.Option{
			fx.Provide(func() *pigeon { return r.pigeon }), module.DeliversBy[*pigeon](),
			module.Templates("sample", samples(t)),
			fx.Populate(&r.notifier, &r.Inspector, &r.Preferring, &r.Catalog, &r.tx, &r.sweep),
		},
	})
	r.App = testapp.New(t, modules.All(), options...)
	r.ada = r.Register(t, "ada")
	r.admin, _ = r.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	return r
}

func samples(t *testing.T) fs.FS {
	t.Helper()
	return os.DirFS("testdata/templates")
}

// in is a context of ada's tenant.
func (r *rig) in(t *testing.T) context.Context {
	t.Helper()
	return tenant.NewContext(t.Context(), r.ada.TenantID)
}

func (r *rig) send(t *testing.T, n notify.Notification) uuid.UUID {
	t.Helper()
	id, err := r.notifier.Send(r.in(t), n)
	require.NoError(t, err)
	return id
}

func (r *rig) news(channels ...string) notify.Notification {
	return notify.Notification{
		To: notify.Recipient{User: r.ada.ID}, Template: "sample.news", Channels: channels,
		Data: fields{"name": "Bob", "title": "Spring", "link": "https://app.example.com/secret-link"},
	}
}

// ended waits until every way of a notification is over.
func (r *rig) ended(t *testing.T, id uuid.UUID) (receipt notify.Receipt) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		receipt, err = r.Receipt(t.Context(), id)
		require.NoError(t, err)
		for _, d := range receipt.Deliveries {
			if d.State == notify.Queued || d.State == notify.Held {
				return false
			}
		}
		return true
	}, 60*time.Second, 5*time.Millisecond, "%s is not over", id)
	return receipt
}

// sealed tells whether what a notification says is still kept.
func (r *rig) sealed(t *testing.T, id uuid.UUID) bool {
	t.Helper()
	return len(r.Rows(t, "SELECT id FROM notify_notifications WHERE sealed IS NOT NULL AND id = '"+id.String()+"'")) == 1
}

func (r *rig) tidy(t *testing.T) int {
	t.Helper()
	n, err := r.sweep.Tidy(t.Context())
	require.NoError(t, err)
	return n
}

// pigeon is a channel of a module. It fails as often as it is told, and keeps what it has delivered.
type pigeon struct {
	mu    sync.Mutex
	fails []error
	all   []notify.Rendered
	tries int
}

func (*pigeon) Name() string { return "pigeon" }

func (p *pigeon) Deliver(_ context.Context, r notify.Rendered) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	if len(p.fails) > 0 {
		err := p.fails[0]
		p.fails = p.fails[1:]
		return "", err
	}
	p.all = append(p.all, r)
	return "ring-1", nil
}

func (p *pigeon) failing(errs ...error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails, p.tries = errs, 0
}

func (p *pigeon) delivered() []notify.Rendered {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]notify.Rendered{}, p.all...)
}

func (p *pigeon) tried() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tries
}

var errRain = errors.New("rain over <address>")

func (r *rig) get(t *testing.T, token, path string, into any) {
	t.Helper()
	r.Want(t, http.StatusOK, testapp.Call{Path: path, Token: token}).JSON(t, into)
}
