package identity

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	internallimit "github.com/yourorg/platform/internal/ratelimit"
	internalsecret "github.com/yourorg/platform/internal/secret"
	"github.com/yourorg/platform/modules/identity/internal/ent/refreshtoken"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/secret"
)

func newTestSealer(t *testing.T, b byte) secret.Sealer {
	t.Helper()
	key := make([]byte, 32)
	key[0] = b
	s, err := internalsecret.New(internalsecret.Config{EncryptionKey: config.Secret(base64.StdEncoding.EncodeToString(key))}, config.Production)
	require.NoError(t, err)
	return s
}

// newGuards are the parts of the rig that guard sign-ins and refresh tokens. No limit is in the way unless a test sets
// r.lockout.rules.
func (r *rig) newGuards(t *testing.T, s *sessions) (*families, *lockout) {
	t.Helper()
	key := newServerKey(newServerKeys(r.client), newTestSealer(t, 1))
	rules := auth.DefaultLockoutRules()
	rules.FreeFailures, rules.FailuresPerIP = 1_000_000, 1_000_000
	limiter := internallimit.New(internallimit.DefaultConfig())
	return newFamilies(r.rules, key, r.letters), newLockout(rules, r.db, newLockouts(r.client), s, key, limiter)
}

// pastGrace makes all used refresh tokens look like they were used long ago.
func (r *rig) pastGrace(t *testing.T) {
	t.Helper()
	r.client.RefreshToken.Update().Where(refreshtoken.UsedAtNotNil()).SetUsedAt(now().Add(-time.Hour)).ExecX(t.Context())
}
