package identity

import (
	"slices"
	"strings"
	"time"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

// upstream is an identity provider that people sign in with, the operator's or a tenant's.
type upstream struct {
	key      string // the name in the configuration, or the id
	name     string // for people
	issuer   string // exactly as its ID tokens say
	clientID string
	secret   string
	scopes   []string  // beside openid, email and profile
	owner    *Provider // nil when it is the operator's

	template string // the issuer of many directories, with {tenantid}; empty for all but Microsoft
	github   string // the address of the API of GitHub; empty for what speaks OpenID
}

// vouched is what an identity provider says about somebody.
type vouched struct {
	issuer, subject string
	email           string // in its normal form; empty when it is none
	emailVerified   bool
	name            string
	at              time.Time // when they have signed in there
	claims          map[string]any
}

// speaksFor refuses somebody for whom a tenant's provider cannot vouch: its word counts for addresses in the domains
// that the tenant has proved to have, each exactly.
func (u upstream) speaksFor(v vouched) error {
	if u.owner == nil {
		return nil
	}
	if v.email == "" || !v.emailVerified {
		return identityapi.ErrEmailNotVouched
	}
	if !slices.Contains(u.owner.Proved, domainOf(v.email)) || !slices.Contains(u.owner.Domains, domainOf(v.email)) {
		return identityapi.ErrDomainNotAllowed
	}
	return nil
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

// roles are what the claims of somebody who joins come to, sorted.
func (p *Provider) roles(v vouched) []string {
	roles := slices.Clone(p.DefaultRoles)
	for _, m := range p.Mapping {
		if hasValue(v.claims[m.Claim], m.Value) {
			roles = append(roles, m.Role)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// hasValue compares whole texts only: what a claim merely contains is not its value.
func hasValue(claim any, value string) bool {
	switch claim := claim.(type) {
	case string:
		return claim == value
	case []any:
		return slices.ContainsFunc(claim, func(one any) bool { return one == value })
	}
	return false
}

// displayName is what the provider calls somebody, or else the part of the address before the @.
func (v vouched) displayName() string {
	name := normalizeName(v.name)
	if checkName("name", name) != nil {
		name, _, _ = strings.Cut(v.email, "@")
	}
	return name
}
