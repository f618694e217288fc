package identity

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
)

func TestProvidersThatCannotWorkAreNamed(t *testing.T) {
	t.Parallel()
	for key, change := range map[string]func(*OIDCConfig){
		"oidc.api_url":               func(c *OIDCConfig) { c.APIURL = "app.example.com" },
		"oidc.dns_server":            func(c *OIDCConfig) { c.DNSServer = "192.0.2.1" },
		"oidc.google.client_secret":  func(c *OIDCConfig) { c.Google.ClientID = "x" },
		"oidc.github.client_secret":  func(c *OIDCConfig) { c.GitHub.ClientSecret = "x" },
		"oidc.github.url":            func(c *OIDCConfig) { c.GitHub.URL = "" },
		"oidc.microsoft.authority":   func(c *OIDCConfig) { c.Microsoft.Authority = "javascript:x" },
		"oidc.microsoft.directory":   func(c *OIDCConfig) { c.Microsoft.ClientID, c.Microsoft.ClientSecret = "x", "x" },
		"oidc.custom.issuers":        func(c *OIDCConfig) { c.Custom.Issuers["Okta"] = "https://okta.example.com" },
		"oidc.custom.client_ids":     func(c *OIDCConfig) { c.Custom.Issuers["okta"] = "https://okta.example.com" },
		"oidc.custom.client_secrets": func(c *OIDCConfig) { c.Custom.ClientSecrets["okta"] = "x" },
		"oidc.custom.scopes":         func(c *OIDCConfig) { c.Custom.Scopes["okta"] = "groups" },
	} {
		c := DefaultConfig()
		change(&c.OIDC)
		require.ErrorContains(t, c.Validate(), key)
	}
	preset := DefaultConfig()
	preset.OIDC.Custom.Issuers["google"] = "https://evil.example.com"
	require.ErrorContains(t, preset.Validate(), "that no preset has")
}

func TestPresetsAreOnWhenTheyHaveAClient(t *testing.T) {
	t.Parallel()
	c := DefaultConfig().OIDC
	require.Empty(t, c.upstreams())
	c.Google.ClientID, c.Google.ClientSecret = "g", "s"
	c.Microsoft.ClientID, c.Microsoft.ClientSecret, c.Microsoft.Directory = "m", "s", "9188040d-6c67-4c5b-b112-36a304b66dad"
	c.GitHub.ClientID, c.GitHub.ClientSecret = "h", "s"
	c.Custom = CustomConfig{
		Issuers: map[string]string{"okta": "https://okta.example.com"}, ClientIDs: map[string]string{"okta": "o"},
		ClientSecrets: map[string]config.Secret{"okta": "s"}, Scopes: map[string]string{"okta": "groups offline"},
	}
	require.NoError(t, c.validate())
	all := c.upstreams()
	require.Len(t, all, 4)
	require.Equal(t, "https://accounts.google.com", all["google"].issuer)
	require.Equal(t, "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", all["microsoft"].issuer)
	require.Empty(t, all["microsoft"].template, "one directory is pinned as it is")
	require.Equal(t, "https://api.github.com", all["github"].github)
	require.Equal(t, []string{"groups", "offline"}, all["okta"].scopes)
}

func TestJourneysThatCameToNothingAreSwept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := newJourneys(r.client)
	p := newPass()
	f := &federation{identity: r.identity, sealer: newTestSealer(t, 1)}
	j, err := f.begin(upstream{key: "corp"}, destination{returnTo: "/"}, p, secrets{Nonce: "n", Verifier: "v"})
	require.NoError(t, err)
	require.NotContains(t, string(j.Sealed), "n\"")
	require.NoError(t, all.insert(t.Context(), j))
	removed, err := newJourneySweeper(all).Tidy(t.Context())
	require.NoError(t, err)
	require.Zero(t, removed, "one on its way stays")
	r.client.Federation.Update().SetExpiresAt(j.CreatedAt.Add(-time.Second)).ExecX(t.Context())
	removed, err = newJourneySweeper(all).Tidy(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, removed)
}
