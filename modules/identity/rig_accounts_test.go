package identity

import (
	"context"
	"errors"
	"os"
	"regexp"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	notifications "github.com/yourorg/platform/internal/notify"
	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/module"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tx"
)

// newAccounts is the part of the rig that writes letters.
func (r *rig) newAccounts(t *testing.T) *accounts {
	t.Helper()
	r.letters = newLetters(t)
	m := newMailer(r.cfg, config.Test, keys{"http.addr": "127.0.0.1:8080"}, newMailTokens(r.client), r.letters, r.db, zap.NewNop())
	require.NoError(t, m.start(t.Context()))
	t.Cleanup(func() { require.NoError(t, m.stop(context.Background())) })
	return newAccounts(signInRules{}, m, newEmailChanges(r.client), r.trail)
}

// settle waits for what is done after an answer.
func (r *rig) settle(t *testing.T) {
	t.Helper()
	done := make(chan struct{})
	require.NoError(t, r.later.do(t.Context(), "settle", func(context.Context) error { close(done); return nil }))
	<-done
}

func (r *rig) erasure() *erasure {
	return newErasure(r.db, r.users, r.tenants, r.mail.tokens, r.changes, r.grants, r.trail, module.MemberErasers{})
}

// keys are a configuration of a few keys.
type keys map[string]any

func (s keys) Get(key string) (any, bool) { v, ok := s[key]; return v, ok }
func (keys) Unmarshal(string, any) error  { panic("not needed") }

// letters keeps the letters that were committed, as they would be read.
type letters struct {
	mu        sync.Mutex
	templates *notifications.Templates
	all       []letter
}

type letter struct {
	To string
	notify.Rendered
}

func newLetters(t *testing.T) *letters {
	t.Helper()
	templates, err := notifications.NewTemplates([]notify.TemplateSet{{Module: "identity", Files: os.DirFS("templates")}})
	require.NoError(t, err)
	return &letters{templates: templates}
}

func (l *letters) Send(ctx context.Context, n notify.Notification) (uuid.UUID, error) {
	said, err := l.templates.Preview(n.Template, "en", n.Data)
	if err = errors.Join(err, n.To.Check()); err != nil {
		return uuid.Nil, err
	}
	tx.AfterCommit(ctx, func(context.Context) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, letter{To: n.To.Email, Rendered: said})
	})
	return uuid.New(), nil
}

// kinds are the templates of the letters to an address, oldest first.
func (l *letters) kinds(to string) (kinds []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.all {
		if m.To == to {
			kinds = append(kinds, m.Template)
		}
	}
	return kinds
}

var mailedToken = regexp.MustCompile(`#token=([A-Za-z0-9_-]{43})\n`)

// token is the token of the newest letter of a kind to an address.
func (l *letters) token(t *testing.T, to, kind string) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.all) - 1; i >= 0; i-- {
		if m := l.all[i]; m.To == to && m.Template == kind {
			found := mailedToken.FindStringSubmatch(m.Text)
			require.NotNil(t, found, "%s", m.Text)
			return found[1]
		}
	}
	t.Fatalf("no %s to %s", kind, to)
	return ""
}

// Events lists nothing: the rig's trail cannot be searched.
func (*trail) Events(context.Context, audit.Filter) ([]audit.Event, error) { return nil, nil }
