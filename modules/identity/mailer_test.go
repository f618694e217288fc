package identity

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/yourorg/platform/pkg/config"
)

func TestLinksBeginWithTheConfiguredAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ public, addr, want string }{
		"the public address":        {"https://app.example.com", "127.0.0.1:8080", "https://app.example.com/p#token=t"},
		"with a path and a slash":   {"https://example.com/app/", ":1", "https://example.com/app/p#token=t"},
		"else the server's own":     {"", "127.0.0.1:8080", "http://127.0.0.1:8080/p#token=t"},
		"which may be IPv6":         {"", "[::1]:8080", "http://[::1]:8080/p#token=t"},
		"on every address":          {"", ":8080", "http://localhost:8080/p#token=t"},
		"on every address, spelled": {"", "0.0.0.0:8080", "http://localhost:8080/p#token=t"},
		"on every address, in IPv6": {"", "[::]:8080", "http://localhost:8080/p#token=t"},
	} {
		cfg := DefaultConfig()
		cfg.PublicURL = test.public
		require.NoError(t, cfg.Validate(), name)
		m := newMailer(cfg, config.Test, keys{"http.addr": test.addr}, nil, nil, nil, nil)
		require.Equal(t, test.want, m.link("p", "t"), name)
	}
}

func TestProductionIsWarnedOfLinksToItself(t *testing.T) {
	t.Parallel()
	for public, warnings := range map[string]int{"": 1, "https://app.example.com": 0} {
		r := newRig(t)
		r.cfg.PublicURL = public
		core, logs := observer.New(zap.WarnLevel)
		m := newMailer(r.cfg, config.Production, keys{"http.addr": ":8080"}, nil, nil, r.db, zap.New(core))
		require.NoError(t, m.start(t.Context()))
		require.NoError(t, m.stop(t.Context()))
		require.Len(t, logs.All(), warnings)
	}
}

func TestTheRulesOfSignInAreRead(t *testing.T) {
	t.Parallel()
	r, err := newSignInRules(keys{"auth.require_verified_email": true, "auth.register.conceal": false})
	require.NoError(t, err)
	require.Equal(t, signInRules{requireVerified: true}, r)
	_, err = newSignInRules(keys{"auth.require_verified_email": true})
	require.ErrorContains(t, err, "auth.register.conceal")
}
