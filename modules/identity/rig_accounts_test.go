package identity

import (
	"context"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/yourorg/platform/pkg/audit"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tx"
)

// newAccounts is the part of the rig that writes letters.
func (r *rig) newAccounts(t *testing.T) *accounts {
	t.Helper()
	r.letters = &letters{}
	m := newMailer(r.cfg, config.Test, settings{"http.addr": "127.0.0.1:8080"}, newMailTokens(r.client), r.letters, r.db, zap.NewNop())
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
	return newErasure(r.db, r.users, r.tenants, r.mail.tokens, r.changes, r.grants, r.trail)
}

// settings are a configuration of a few keys.
type settings map[string]any

func (s settings) Get(key string) (any, bool) { v, ok := s[key]; return v, ok }
func (settings) Unmarshal(string, any) error  { panic("not needed") }

// letters keeps the messages that were committed.
type letters struct {
	mu  sync.Mutex
	all []notify.Message
}

func (l *letters) Send(ctx context.Context, m notify.Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	tx.AfterCommit(ctx, func(context.Context) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, m)
	})
	return nil
}

// kinds are the kinds of the messages to an address, oldest first.
func (l *letters) kinds(to string) (kinds []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.all {
		if m.To == to {
			kinds = append(kinds, m.Kind)
		}
	}
	return kinds
}

var mailedToken = regexp.MustCompile(`#token=([A-Za-z0-9_-]{43})\n`)

// token is the token of the newest message of a kind to an address.
func (l *letters) token(t *testing.T, to, kind string) string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.all) - 1; i >= 0; i-- {
		if m := l.all[i]; m.To == to && m.Kind == kind {
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
