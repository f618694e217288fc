package identity

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

// The time of an answer cannot tell whether an address is known when it is given before anybody looks.
func TestNothingIsLookedUpBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	u, _ := r.mustRegister(t, "ada@example.com", "Acme")
	hold, held := make(chan struct{}), make(chan struct{})
	require.NoError(t, r.later.do(t.Context(), "wait", func(context.Context) error { close(held); <-hold; return nil }))
	<-held // and with it SQLite's one writer
	before := len(r.letters.kinds(u.Email))
	users, tenants, tokens := r.identity.users, r.identity.tenants, r.mail.tokens
	r.identity.users, r.identity.tenants, r.mail.tokens = nil, nil, nil // whoever looks now panics
	for _, address := range []string{u.Email, "nobody@example.com", "no address"} {
		require.NoError(t, r.forgotPassword(t.Context(), address))
		require.NoError(t, r.resendVerification(t.Context(), address))
	}
	for _, address := range []string{u.Email, "nobody@example.com"} {
		require.NoError(t, r.registerConcealed(t.Context(), registration{email: address, password: password, name: "Ada", tenantName: "Acme"}))
	}
	require.Len(t, r.letters.kinds(u.Email), before)
	r.identity.users, r.identity.tenants, r.mail.tokens = users, tenants, tokens
	close(hold)
	r.settle(t)
	require.Len(t, r.letters.kinds(u.Email), before+1, "a reset; the notice of the second registration would be the second within a minute")
	require.Equal(t, []string{"identity.verify_email"}, r.letters.kinds("nobody@example.com"))
}

func TestWorkAfterTheAnswerOutlivesTheRequestAndItsMistakes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	core, logs := observer.New(zap.DebugLevel)
	a := newAfterwards(r.db, zap.New(core))
	require.NoError(t, a.start(t.Context()))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	ran := make(chan error, 1)
	require.NoError(t, a.do(gone, "panic", func(context.Context) error { panic("oh") }))
	require.NoError(t, a.do(gone, "fail", func(context.Context) error { return errors.New("no") }))
	require.NoError(t, a.do(gone, "work", func(ctx context.Context) error { ran <- ctx.Err(); return nil }))
	require.NoError(t, a.stop(t.Context()), "it finishes what it has taken on")
	require.NoError(t, <-ran)
	require.Equal(t, 1, logs.FilterMessage("panic").Len())
	require.Equal(t, 1, logs.FilterMessage("work after an answer failed").Len())
	require.ErrorIs(t, a.do(t.Context(), "late", nil), identityapi.ErrBusy)
}

func TestTooMuchWorkIsRefused(t *testing.T) {
	t.Parallel()
	a := newAfterwards(nil, zap.NewNop()) // not started
	for range maxAfterwards {
		require.NoError(t, a.do(t.Context(), "wait", nil))
	}
	require.ErrorIs(t, a.do(t.Context(), "wait", nil), identityapi.ErrBusy)
}
