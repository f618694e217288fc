package notifications_test

import (
	"context"
	"net/http"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	inbox       = "/api/v1/me/notifications"
	preferences = "/api/v1/me/notification-preferences"
	templates   = "/api/v1/notification-templates"
)

type fields = map[string]any

// rig is a platform whose module "sample" has something to say.
type rig struct {
	*testapp.App
	notifier notify.Notifier
	receipts notify.Inspector
	owner    testapp.User
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{}
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"news/template.yaml": "category: news\nchannels: [inbox, email]\nsample: {title: Spring}\n", "news/en.subject.txt": "News: {{.title}}\n", "news/en.txt": "It is about {{.title}}.\n",
		"news/en.html": "<html><body><p>{{.title}}</p></body></html>", "news/zh.subject.txt": "消息：{{.title}}\n", "news/zh.txt": "关于 {{.title}}。\n",
		"rare/template.yaml": "category: chatter\ndigest: true\nchannels: [email]\nsample: {title: Spring}\n", "rare/en.subject.txt": "About {{.title}}\n", "rare/en.txt": "Something about {{.title}}.\n",
		"alarm/template.yaml": "category: alarms\nessential: true\nfixed: true\nchannels: [email]\nsample: {title: Fire}\n", "alarm/en.subject.txt": "Alarm: {{.title}}\n", "alarm/en.txt": "Go.\n",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	r.App = testapp.New(t, modules.All(), testapp.Options{
		Set:   []string{"jobs.poll_interval=20ms", "notify.public_url=https://app.example.com"},
		Extra: []fx.Option{module.Templates("sample", files), fx.Populate(&r.notifier, &r.receipts)},
	})
	r.owner = r.Register(t, "owner")
	return r
}

// tell sends something to a user of a tenant.
func (r *rig) tell(t *testing.T, to testapp.User, template, title string) uuid.UUID {
	t.Helper()
	id, err := r.notifier.Send(within(t, to), notify.Notification{To: notify.Recipient{User: to.ID}, Template: "sample." + template, Data: fields{"title": title}})
	require.NoError(t, err)
	return id
}

func within(t *testing.T, u testapp.User) context.Context {
	t.Helper()
	return tenant.NewContext(t.Context(), u.TenantID)
}

// state waits until a notification has left the queue, and returns the state and reason of its only way.
func (r *rig) state(t *testing.T, id uuid.UUID) (d notify.Delivery) {
	t.Helper()
	require.Eventually(t, func() bool {
		receipt, err := r.receipts.Receipt(t.Context(), id)
		require.NoError(t, err)
		d = receipt.Deliveries[len(receipt.Deliveries)-1]
		return d.State != notify.Queued || d.Due.After(time.Now())
	}, 60*time.Second, 5*time.Millisecond)
	return d
}

func (r *rig) prefer(t *testing.T, u testapp.User, body fields) testapp.Answer {
	t.Helper()
	return r.Do(t, testapp.Call{Method: "PATCH", Path: preferences, Token: u.Token, Body: body})
}

type message struct {
	ID                                uuid.UUID
	Template, Category, Subject, Text string
	ReadAt                            *time.Time `json:"read_at"`
	ArchivedAt                        *time.Time `json:"archived_at"`
}

func (r *rig) list(t *testing.T, token, query string) (items []message, next *string) {
	t.Helper()
	var page struct {
		Items []message
		Next  *string `json:"next_cursor"`
	}
	r.Want(t, http.StatusOK, testapp.Call{Path: inbox + query, Token: token}).JSON(t, &page)
	return page.Items, page.Next
}

func (r *rig) unread(t *testing.T, token string) int {
	t.Helper()
	var n struct{ Unread int }
	r.Want(t, http.StatusOK, testapp.Call{Path: inbox + "/unread-count", Token: token}).JSON(t, &n)
	return n.Unread
}
