package identity

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/web"
)

// Provider is an OpenID provider that people of a tenant sign in with.
type Provider struct {
	ID           uuid.UUID
	TenantID     tenant.ID
	Name         string // unique in the tenant
	Issuer       string
	ClientID     string
	Secret       []byte   // sealed
	Scopes       []string // beside openid, email and profile
	Domains      []string // whose addresses it may vouch for, once they are proved
	Proved       []string // those that are
	Mapping      []RoleMapping
	DefaultRoles []string
	JIT          bool // whether who is new becomes a member
	Enabled      bool
	Version      int // grows with every change
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// RoleMapping gives a role to whoever joins with a value in a claim.
type RoleMapping struct{ Claim, Value, Role string }

// providerChange is what is to be different; nil stays as it is.
type providerChange struct {
	name, issuer, clientID, secret *string
	scopes, domains, defaultRoles  *[]string
	mapping                        *[]RoleMapping
	jit, enabled                   *bool
}

// sealedFor binds the secret to the issuer as well: it is never sent to another.
func (p Provider) sealedFor() string { return "identity_providers/" + p.ID.String() + "/" + p.Issuer }

// given are all roles that the provider can give.
func (p Provider) given() []string {
	roles := slices.Clone(p.DefaultRoles)
	for _, m := range p.Mapping {
		roles = append(roles, m.Role)
	}
	return slices.Compact(slices.Sorted(slices.Values(roles)))
}

// apply returns the provider after c, with every field that is at fault.
func (p Provider) apply(c providerChange, production bool) (Provider, []problem.Field) {
	var bad []problem.Field
	fault := func(field, message string) {
		bad = append(bad, problem.Field{Field: field, Code: "invalid", Message: message})
	}
	if c.name != nil {
		if f := checkName("name", *c.name); f != nil {
			bad = append(bad, *f)
		}
		p.Name = normalizeName(*c.name)
	}
	if c.issuer != nil && *c.issuer != p.Issuer {
		if !issuerURL(*c.issuer, production) {
			fault("issuer", "must be an https address without a query")
		}
		if c.secret == nil {
			fault("client_secret", "must be given for another issuer")
		}
		p.Issuer = *c.issuer
	}
	if c.clientID != nil {
		p.ClientID = *c.clientID
		if strings.ContainsFunc(p.ClientID, func(r rune) bool { return r < ' ' || r >= 0x7f }) { // RFC 6749, appendix A.1
			fault("client_id", "must be printable ASCII")
		}
	}
	if c.domains != nil {
		p.Domains = []string{}
		for _, name := range *c.domains {
			name = strings.ToLower(strings.TrimSpace(name))
			if !domainForm.MatchString(name) {
				fault("domains", "must be domains such as example.com")
				break
			}
			p.Domains = append(p.Domains, name)
		}
		p.Domains = slices.Compact(sorted(p.Domains))
		p.Proved = slices.DeleteFunc(slices.Clone(p.Proved), func(d string) bool { return !slices.Contains(p.Domains, d) })
	}
	set(&p.Scopes, c.scopes)
	set(&p.DefaultRoles, c.defaultRoles)
	set(&p.Mapping, c.mapping)
	set(&p.JIT, c.jit)
	set(&p.Enabled, c.enabled)
	p.Version++
	p.UpdatedAt = now()
	return p, bad
}

func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

var domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// issuerURL accepts an https address; outside of production, http to this machine too.
func issuerURL(address string, production bool) bool {
	u, err := url.Parse(address)
	if err != nil || !publicURL(address) || !plainText(address) {
		return false
	}
	return u.Scheme == "https" || !production && web.Loopback(u.Hostname())
}

func plainText(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
