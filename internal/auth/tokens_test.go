package auth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/problem"
)

func TestATokenNamesItsCaller(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := someone()
	token, expires, err := b.Generate(t.Context(), c)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(15*time.Minute), expires, 2*time.Second)
	for range 2 { // verified, then remembered
		got, err := b.Verify(t.Context(), token)
		require.NoError(t, err)
		require.NoError(t, uuid.Validate(got.TokenID))
		want := c
		want.TokenID, want.ExpiresAt = got.TokenID, expires
		require.Equal(t, &want, got)
	}
	require.Equal(t, 1, b.sessions.lookups())

	claims := jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(token, claims)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"alg": "EdDSA", "typ": "JWT", "kid": b.keys.current.Load().signer.id.String()}, parsed.Header)
	for _, name := range []string{"sub", "roles", "tenant_id", "sid", "jti", "iat", "nbf", "exp", "iss", "aud", "auth_time", "amr"} {
		require.Contains(t, claims, name)
	}
}

func TestTokensThatCannotBeMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, _, err := b.Generate(t.Context(), auth.Caller{UserID: uuid.New(), TenantID: uuid.New()})
	require.ErrorContains(t, err, "the session and its sign-in must be given")

	c := someone()
	c.Roles = make([]string, 3000)
	_, _, err = b.Generate(t.Context(), c)
	require.ErrorContains(t, err, "it would be longer than 4096 bytes")

	keys, _ := newKeys(t, newFile(t))
	unloaded := &Tokens{cfg: DefaultConfig(), keys: keys}
	_, _, err = unloaded.Generate(t.Context(), someone())
	require.ErrorContains(t, err, "the signing keys are not loaded")
}

func set(name string, value any) func(header, claims map[string]any) {
	return func(_, claims map[string]any) { claims[name] = value }
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	soon := time.Now().Add(time.Minute).Unix()
	for name, tt := range map[string]struct {
		change func(header, claims map[string]any)
		want   *problem.Problem
	}{
		"an unknown key":          {func(h, _ map[string]any) { h["kid"] = uuid.NewString() }, ErrTokenKeyUnknown},
		"a key that is no UUID":   {func(h, _ map[string]any) { h["kid"] = "../../etc/passwd" }, ErrTokenKeyUnknown},
		"no key":                  {func(h, _ map[string]any) { delete(h, "kid") }, ErrTokenKeyUnknown},
		"a key in another form":   {func(h, _ map[string]any) { h["kid"] = strings.ReplaceAll(h["kid"].(string), "-", "") }, ErrTokenKeyUnknown},
		"an unknown algorithm":    {func(h, _ map[string]any) { h["alg"] = "ES1024" }, ErrTokenAlgorithm},
		"no algorithm":            {func(h, _ map[string]any) { delete(h, "alg") }, ErrTokenAlgorithm},
		"an algorithm of no text": {func(h, _ map[string]any) { h["alg"] = 7 }, ErrTokenAlgorithm},
		"expired":                 {set("exp", time.Now().Add(-time.Minute).Unix()), ErrTokenExpired},
		"no expiry":               {func(_, c map[string]any) { delete(c, "exp") }, ErrTokenMalformed},
		"not valid yet":           {set("nbf", soon), ErrTokenNotYetValid},
		"issued in the future":    {set("iat", soon), ErrTokenNotYetValid},
		"another issuer":          {set("iss", "https://evil.example"), ErrTokenIssuer},
		"another audience":        {set("aud", "somebody"), ErrTokenAudience},
		"several other audiences": {set("aud", []string{"somebody", "else"}), ErrTokenAudience},
		"a subject that is no id": {set("sub", "admin"), ErrTokenMalformed},
		"a nil subject":           {set("sub", uuid.Nil.String()), ErrTokenMalformed},
		"a tenant that is no id":  {set("tenant_id", "'; drop table"), ErrTokenMalformed},
		"no tenant":               {func(_, c map[string]any) { delete(c, "tenant_id") }, ErrTokenMalformed},
		"no sign-in":              {func(_, c map[string]any) { delete(c, "auth_time") }, ErrTokenMalformed},
		"a session that is no id": {set("sid", 12), ErrTokenMalformed},
		"a jti that is no id":     {set("jti", "urn:uuid:"+uuid.NewString()), ErrTokenMalformed},
		"roles that are no list":  {set("roles", "owner"), ErrTokenMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Verify(t.Context(), b.forge(t, tt.change))
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, problem.Unauthenticated, problem.From(err).Kind)
		})
	}
}

func TestTokensThatAreNotOursAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.issue(t, someone())
	parts := strings.Split(good, ".")
	claims := jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(good, claims)
	require.NoError(t, err)

	none := &jwt.Token{Header: map[string]any{"alg": "none", "kid": parsed.Header["kid"]}, Claims: claims, Method: jwt.SigningMethodNone}
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)

	// Whoever takes the public key for a shared secret accepts what anybody can sign.
	confused := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	confused.Header["kid"] = parsed.Header["kid"]
	hmac, err := confused.SignedString([]byte(b.keys.current.Load().signer.public))
	require.NoError(t, err)

	claims["roles"] = []string{"platform_admin"}
	altered, err := json.Marshal(claims)
	require.NoError(t, err)

	other := newBench(t)
	stranger := other.forge(t, func(h, _ map[string]any) { h["kid"] = parsed.Header["kid"] })

	for name, tt := range map[string]struct {
		token string
		want  *problem.Problem
	}{
		"nothing":                        {"", ErrTokenMalformed},
		"one part":                       {"abc", ErrTokenMalformed},
		"four parts":                     {good + ".x", ErrTokenMalformed},
		"not base64":                     {"a!.b.c", ErrTokenMalformed},
		"the algorithm none":             {unsigned, ErrTokenAlgorithm},
		"HS256 with the public key":      {hmac, ErrTokenAlgorithm},
		"an altered payload":             {parts[0] + "." + base64.RawURLEncoding.EncodeToString(altered) + "." + parts[2], ErrTokenSignature},
		"no signature":                   {parts[0] + "." + parts[1] + ".", ErrTokenSignature},
		"another platform's signature":   {stranger, ErrTokenSignature},
		"a line end inside":              {good + "\n", ErrTokenMalformed},
		"a header that is null":          {base64.RawURLEncoding.EncodeToString([]byte("null")) + "." + parts[1] + "." + parts[2], ErrTokenMalformed},
		"longer than any token of ours":  {good + strings.Repeat("A", maxToken), ErrTokenMalformed},
		"the word Bearer still in front": {"Bearer " + good, ErrTokenMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Verify(t.Context(), tt.token)
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestARememberedTokenExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.Close()
		token := b.issue(t, someone())
		_, err := b.Verify(t.Context(), token)
		require.NoError(t, err)
		time.Sleep(15*time.Minute + 4*time.Second)
		_, err = b.Verify(t.Context(), token)
		require.NoError(t, err, "within the skew of the clocks")
		time.Sleep(time.Second)
		_, err = b.Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrTokenExpired)
		time.Sleep(time.Minute)
		_, err = b.Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrTokenExpired)
		require.Zero(t, b.cache.EstimatedSize(), "it is no longer remembered")
	})
}

func TestBearerTakesExactlyOneToken(t *testing.T) {
	t.Parallel()
	for header, tt := range map[string]struct {
		token string
		err   *problem.Problem
	}{
		"":                   {"", ErrRequired},
		"Bearer abc":         {"abc", nil},
		"bearer abc":         {"abc", nil},
		"BEARER   abc ":      {"abc", nil},
		"Bearer":             {"", ErrTokenMalformed},
		"Bearer ":            {"", ErrTokenMalformed},
		"Bearer a b":         {"", ErrTokenMalformed},
		"Bearer a, Bearer b": {"", ErrTokenMalformed},
		"Bearer\tabc":        {"", ErrTokenMalformed},
		"Basic dTpw":         {"", ErrTokenMalformed},
		"abc":                {"", ErrTokenMalformed},
		" ":                  {"", ErrTokenMalformed},
	} {
		token, err := Bearer(header)
		require.Equal(t, tt.token, token, header)
		if tt.err == nil {
			require.NoError(t, err, header)
			continue
		}
		require.ErrorIs(t, err, tt.err, header)
	}
}
