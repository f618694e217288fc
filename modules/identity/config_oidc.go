package identity

import (
	"errors"
	"net"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/config"
)

// OIDCConfig says which identity providers everybody may sign in with. A preset is on when it has a client.
type OIDCConfig struct {
	// APIURL is where browsers reach this API: identity providers send them back there, to
	// /api/v1/auth/oidc/<provider>/callback. It is identity.public_url when it is empty.
	APIURL string `mapstructure:"api_url"`
	// DNSServer is asked for the records that prove the domains of tenants, as host:port. The system's resolver is, when
	// it is empty.
	DNSServer string `mapstructure:"dns_server"`

	Google    GoogleConfig    `mapstructure:"google"`
	Microsoft MicrosoftConfig `mapstructure:"microsoft"`
	GitHub    GitHubConfig    `mapstructure:"github"`
	Custom    CustomConfig    `mapstructure:"custom"`
}

// GoogleConfig is the preset "google".
type GoogleConfig struct {
	// ClientID is the client that was registered with Google; empty switches it off.
	ClientID string `mapstructure:"client_id"`
	// ClientSecret is its secret.
	ClientSecret config.Secret `mapstructure:"client_secret"`
}

// MicrosoftConfig is the preset "microsoft".
type MicrosoftConfig struct {
	// ClientID is the application that was registered with Microsoft Entra; empty switches it off.
	ClientID string `mapstructure:"client_id"`
	// ClientSecret is its secret.
	ClientSecret config.Secret `mapstructure:"client_secret"`
	// Directory is the id of the directory whose users may sign in; or organizations, or common, for those of all.
	// Microsoft vouches for an e-mail address only in tokens with the optional claim xms_edov.
	Directory string `mapstructure:"directory"`
	// Authority is where Microsoft's directories are: another one in a national cloud.
	Authority string `mapstructure:"authority"`
}

// GitHubConfig is the preset "github", which speaks OAuth 2 without OpenID.
type GitHubConfig struct {
	// ClientID is the OAuth app that was registered with GitHub; empty switches it off.
	ClientID string `mapstructure:"client_id"`
	// ClientSecret is its secret.
	ClientSecret config.Secret `mapstructure:"client_secret"`
	// URL is where people sign in: another one for GitHub Enterprise Server.
	URL string `mapstructure:"url"`
	// APIURL is where its API is.
	APIURL string `mapstructure:"api_url"`
}

// CustomConfig are OpenID providers beside the presets, by names of your choice.
type CustomConfig struct {
	// Issuers are their addresses, as their ID tokens name them: okta=https://example.okta.com.
	Issuers map[string]string `mapstructure:"issuers"`
	// ClientIDs are the clients that were registered with them.
	ClientIDs map[string]string `mapstructure:"client_ids"`
	// ClientSecrets are the secrets of these.
	ClientSecrets map[string]config.Secret `mapstructure:"client_secrets"`
	// Scopes are asked for beside openid, email and profile, separated by spaces.
	Scopes map[string]string `mapstructure:"scopes"`
}

func defaultOIDC() OIDCConfig {
	return OIDCConfig{
		Microsoft: MicrosoftConfig{Authority: "https://login.microsoftonline.com"},
		GitHub:    GitHubConfig{URL: "https://github.com", APIURL: "https://api.github.com"},
		Custom: CustomConfig{
			Issuers: map[string]string{}, ClientIDs: map[string]string{}, ClientSecrets: map[string]config.Secret{}, Scopes: map[string]string{},
		},
	}
}

// providerName keeps names apart from the ids of tenants' providers.
var providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

func (c OIDCConfig) validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, config.Invalid("oidc."+key, format, args...))
	}
	for key, address := range map[string]string{
		"api_url": c.APIURL, "microsoft.authority": c.Microsoft.Authority, "github.url": c.GitHub.URL, "github.api_url": c.GitHub.APIURL,
	} {
		if !publicURL(address) && (key != "api_url" || address != "") {
			bad(key, "must be an address such as https://app.example.com")
		}
	}
	if _, _, err := net.SplitHostPort(c.DNSServer); c.DNSServer != "" && err != nil {
		bad("dns_server", "must be host:port")
	}
	for preset, secret := range map[string]struct{ id, secret string }{
		"google": {c.Google.ClientID, c.Google.ClientSecret.Reveal()}, "microsoft": {c.Microsoft.ClientID, c.Microsoft.ClientSecret.Reveal()},
		"github": {c.GitHub.ClientID, c.GitHub.ClientSecret.Reveal()},
	} {
		if (secret.id == "") != (secret.secret == "") {
			bad(preset+".client_secret", "must be given together with client_id")
		}
	}
	if id := c.Microsoft.Directory; c.Microsoft.ClientID != "" && uuid.Validate(id) != nil && !manyDirectories(id) {
		bad("microsoft.directory", "must be the id of a directory, organizations or common")
	}
	for name, issuer := range c.Custom.Issuers {
		switch {
		case !providerName.MatchString(name) || name == "google" || name == "microsoft" || name == "github":
			bad("custom.issuers", "must have names of small letters, digits and dashes that no preset has")
		case !publicURL(issuer):
			bad("custom.issuers", "must be addresses such as https://login.example.com")
		case c.Custom.ClientIDs[name] == "":
			bad("custom.client_ids", "must have one for each of the issuers")
		case c.Custom.ClientSecrets[name] == "":
			bad("custom.client_secrets", "must have one for each of the issuers")
		}
	}
	for key, has := range map[string][]string{
		"client_ids": names(c.Custom.ClientIDs), "client_secrets": names(c.Custom.ClientSecrets), "scopes": names(c.Custom.Scopes),
	} {
		for _, name := range has {
			if c.Custom.Issuers[name] == "" {
				bad("custom."+key, "must have no name that the issuers do not have")
			}
		}
	}
	return errors.Join(errs...)
}

func manyDirectories(id string) bool { return id == "organizations" || id == "common" }

// upstreams are the providers that the configuration has, by name.
func (c OIDCConfig) upstreams() map[string]upstream {
	all := map[string]upstream{}
	if g := c.Google; g.ClientID != "" {
		all["google"] = upstream{name: "Google", issuer: "https://accounts.google.com", clientID: g.ClientID, secret: g.ClientSecret.Reveal()}
	}
	if m := c.Microsoft; m.ClientID != "" {
		u := upstream{name: "Microsoft", clientID: m.ClientID, secret: m.ClientSecret.Reveal()}
		u.issuer = strings.TrimRight(m.Authority, "/") + "/" + m.Directory + "/v2.0"
		if manyDirectories(m.Directory) {
			u.template = strings.TrimRight(m.Authority, "/") + "/{tenantid}/v2.0"
		}
		all["microsoft"] = u
	}
	if g := c.GitHub; g.ClientID != "" {
		all["github"] = upstream{
			name: "GitHub", issuer: strings.TrimRight(g.URL, "/"), clientID: g.ClientID, secret: g.ClientSecret.Reveal(),
			github: strings.TrimRight(g.APIURL, "/"),
		}
	}
	for name, issuer := range c.Custom.Issuers {
		all[name] = upstream{
			name: name, issuer: issuer, clientID: c.Custom.ClientIDs[name], secret: c.Custom.ClientSecrets[name].Reveal(),
			scopes: strings.Fields(c.Custom.Scopes[name]),
		}
	}
	for key, u := range all {
		u.key = key
		all[key] = u
	}
	return all
}

func names[V any](m map[string]V) (all []string) {
	for name := range m {
		all = append(all, name)
	}
	return all
}
