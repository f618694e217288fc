package auth

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

func TestKeysOutliveTheProcess(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	first, _ := newKeys(t, file)
	start(t, first)
	second, _ := newKeys(t, file)
	start(t, second)
	require.Equal(t, first.current.Load().signer.private, second.current.Load().signer.private)
	require.Equal(t, 1, second.db.SigningKey.Query().CountX(t.Context()))

	row := second.db.SigningKey.Query().OnlyX(t.Context())
	require.NotContains(t, string(row.PrivateKey), string(first.current.Load().signer.private.Seed()))
}

func TestTheWrongEncryptionKeyStopsTheStart(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	first, _ := newKeys(t, file)
	start(t, first)
	other, _ := newKeys(t, file)
	other.sealer = newSealer(t, 2)
	err := other.Start(t.Context())
	require.ErrorContains(t, err, "signing key "+first.current.Load().signer.id.String())
	require.ErrorContains(t, err, "cannot be opened with the current security.encryption_key")
}

func TestAKeyThatSomebodyPutIntoTheTableIsNotTrusted(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t, newFile(t))
	start(t, keys)
	genuine := keys.db.SigningKey.Query().OnlyX(t.Context())
	planted, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		id        uuid.UUID
		algorithm string
		public    []byte
		want      string
	}{
		"a public key beside a copied private one": {genuine.ID, algorithm, planted, "its public key does not belong to its private key"},
		"a private key copied to another id":       {uuid.New(), algorithm, genuine.PublicKey, "cannot be opened"},
		"another algorithm":                        {genuine.ID, "HS256", genuine.PublicKey, `the algorithm "HS256" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := *genuine
			row.ID, row.Algorithm, row.PublicKey = tt.id, tt.algorithm, tt.public
			_, err := keys.open(&row)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestTwoReplicasThatMakeAKeyEachBothHoldEachOthersTokensGood(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.issue(t, someone())
	old := b.keys.current.Load().signer.id
	_, err := b.keys.create(t.Context()) // by a replica that saw no key either
	require.NoError(t, err)

	other := NewKeys(b.cfg, b.keys.db, b.keys.run, b.keys.sealer, b.feed, b.trail, zap.NewNop())
	start(t, other)
	require.NotEqual(t, old, other.current.Load().signer.id, "the newest key signs")
	there, err := New(b.cfg, other, b.sessions, b.feed, b.machines)
	require.NoError(t, err)
	t.Cleanup(there.Close)
	after, _, err := there.Generate(t.Context(), someone())
	require.NoError(t, err)

	_, err = there.Verify(t.Context(), before)
	require.NoError(t, err)
	_, err = b.Verify(t.Context(), after)
	require.NoError(t, err, "the unknown key is looked up")
}

func TestInventedKeysDoNotReachTheDatabaseMoreThanOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		forged := func() error {
			_, err := b.Verify(t.Context(), b.forge(t, func(h, _ map[string]any) { h["kid"] = uuid.NewString() }))
			return err
		}
		b.db.queries.Store(0)
		for range 50 {
			require.ErrorIs(t, forged(), ErrTokenKeyUnknown)
		}
		require.EqualValues(t, 1, b.db.queries.Load())
		time.Sleep(time.Second)
		b.db.broken.Store(true)
		for range 50 {
			require.ErrorIs(t, forged(), ErrUnavailable, "it cannot be told")
		}
		require.EqualValues(t, 2, b.db.queries.Load())
		_, err := b.Verify(t.Context(), b.issue(t, someone()))
		require.NoError(t, err, "known keys need no database")

		b.db.broken.Store(false)
		time.Sleep(time.Second)
		require.ErrorIs(t, forged(), ErrTokenKeyUnknown)
	})
}

func TestACallerThatLeavesDoesNotWaitForTheKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	release := make(chan struct{})
	b.keys.reloading.DoChan("", func() (any, error) { <-release; return nil, nil })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Verify(ctx, b.forge(t, func(h, _ map[string]any) { h["kid"] = uuid.NewString() }))
	require.ErrorIs(t, err, ErrUnavailable)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTheKeySetVerifiesTokensElsewhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var published struct {
		Keys []map[string]string `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(b.keys.JWKS(), &published))
	require.Len(t, published.Keys, 1)
	x, err := base64.RawURLEncoding.DecodeString(published.Keys[0]["x"])
	require.NoError(t, err)
	delete(published.Keys[0], "x")
	require.Equal(t, map[string]string{
		"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": b.keys.current.Load().signer.id.String(),
	}, published.Keys[0], "and nothing of the private key")
	_, err = jwt.Parse(b.issue(t, someone()), func(*jwt.Token) (any, error) { return ed25519.PublicKey(x), nil })
	require.NoError(t, err)

	unloaded, _ := newKeys(t, newFile(t))
	require.JSONEq(t, `{"keys":[]}`, string(unloaded.JWKS()))
}

func TestConfigNamesTheKeyThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"the default is fine":               {func(*Config) {}, ""},
		"no issuer":                         {func(c *Config) { c.Issuer = "" }, "issuer must not be empty"},
		"no audience":                       {func(c *Config) { c.Audience = "" }, "audience must not be empty"},
		"tokens that never last":            {func(c *Config) { c.AccessTTL = 0 }, "access_ttl must be between"},
		"tokens that last a year":           {func(c *Config) { c.AccessTTL = 365 * 24 * time.Hour }, "access_ttl must be between"},
		"clocks that run apart":             {func(c *Config) { c.ClockSkew = time.Hour }, "clock_skew must be between"},
		"a step-up that is always too late": {func(c *Config) { c.StepUpAge = 0 }, "step_up_age must be between"},
		"no cache":                          {func(c *Config) { c.CacheSize = 0 }, "cache_size must be at least 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			tt.change(&cfg)
			if tt.want == "" {
				require.NoError(t, cfg.Validate())
				return
			}
			require.ErrorContains(t, cfg.Validate(), tt.want)
		})
	}
}
