package identity_test

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/authz"
)

const providersPath = "/api/v1/identity-providers"

// zone is a name server that knows some TXT records.
type zone struct {
	net.PacketConn

	mu      sync.Mutex
	records map[string]string
}

func newZone(t *testing.T) *zone {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	z := &zone{PacketConn: conn, records: map[string]string{}}
	go z.serve()
	return z
}

func (z *zone) serve() {
	buffer := make([]byte, 1500)
	for {
		n, from, err := z.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Response, m.Additionals = true, nil
		z.mu.Lock()
		text, found := z.records[q.Name.String()]
		z.mu.Unlock()
		if !found {
			m.RCode = dnsmessage.RCodeNameError
		} else if q.Type == dnsmessage.TypeTXT {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
				Body:   &dnsmessage.TXTResource{TXT: []string{text}},
			}}
		}
		if packed, err := m.Pack(); err == nil {
			_, _ = z.WriteTo(packed, from)
		}
	}
}

type provider struct {
	ID      string
	Issuer  string
	Domains []struct {
		Domain      string
		Proved      bool
		RecordName  string `json:"record_name"`
		RecordValue string `json:"record_value"`
	}
}

func (s *site) provider(more fields) fields {
	all := fields{"name": "Acme", "issuer": s.op.URL, "client_id": opClient, "client_secret": opSecret, "domains": []string{"acme.com"}}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// proved makes a provider whose domains are proved.
func (s *site) proved(t *testing.T, z *zone, owner testapp.User, more fields) (p provider) {
	t.Helper()
	s.Want(t, http.StatusCreated, call("POST", providersPath, owner.Token, s.provider(more))).JSON(t, &p)
	for _, d := range p.Domains {
		z.mu.Lock()
		z.records[d.RecordName+"."] = d.RecordValue
		z.mu.Unlock()
	}
	s.Want(t, http.StatusOK, call("POST", providersPath+"/"+p.ID+"/prove-domains", owner.Token, nil)).JSON(t, &p)
	for _, d := range p.Domains {
		require.True(t, d.Proved, d.Domain)
	}
	return p
}

func newSiteWithZone(t *testing.T) (*site, *zone) {
	t.Helper()
	z := newZone(t)
	return newSite(t, "identity.oidc.dns_server="+z.LocalAddr().String()), z
}

func TestATenantsProviderBringsMembersWithTheRolesOfTheirClaims(t *testing.T) {
	t.Parallel()
	s, z := newSiteWithZone(t)
	owner := s.Register(t, "owner")
	p := s.proved(t, z, owner, fields{
		"jit": true, "default_roles": []string{authz.Viewer}, "role_mapping": []fields{
			{"claim": "groups", "value": "editors", "role": authz.Member},
			{"claim": "groups", "value": "edit", "role": authz.Admin},
			{"claim": "title", "value": "chief", "role": authz.Owner},
		},
	})
	s.op.says("new@ACME.com", fields{"groups": []string{"staff", "editors"}, "title": "chief of staff"})
	got, fault := s.window(t).signIn(t, p.ID, "?tenant=ignored")
	require.Empty(t, fault)
	who := whoAmI(t, s.App, got.Access)
	require.Equal(t, owner.TenantID, who.Tenant.ID)
	require.Equal(t, []string{authz.Member, authz.Viewer}, who.Roles)
	require.Len(t, s.Rows(t, "SELECT id FROM audit_events WHERE permission = 'identity.federation.join' AND tenant_id = '"+owner.TenantID.String()+"'"), 1)

	s.op.says("new@acme.com", fields{"sub": "sub-new@ACME.com", "title": "chief"})
	got, fault = s.window(t).signIn(t, p.ID, "")
	require.Empty(t, fault)
	require.Equal(t, who.User.ID, whoAmI(t, s.App, got.Access).User.ID)
	require.Equal(t, []string{authz.Member, authz.Viewer}, whoAmI(t, s.App, got.Access).Roles, "roles are mapped when somebody joins")

	s.Want(t, http.StatusOK, call("PATCH", providersPath+"/"+p.ID, owner.Token, fields{"jit": false, "default_roles": []string{}}))
	s.op.says("late@acme.com")
	_, fault = s.window(t).signIn(t, p.ID, "")
	require.Equal(t, "identity.not_a_member", fault)
	s.Want(t, http.StatusOK, call("PATCH", providersPath+"/"+p.ID, owner.Token, fields{"jit": true}))
	_, fault = s.window(t).signIn(t, p.ID, "")
	require.Equal(t, "identity.not_a_member", fault, "no role, no member")
	require.Empty(t, s.Rows(t, "SELECT id FROM identity_users WHERE email = 'late@acme.com'"))

	list := s.Want(t, http.StatusOK, call("GET", "/api/v1/auth/oidc/providers?tenant="+who.Tenant.Slug, "", nil))
	require.JSONEq(t, `{"items":[{"name":"corp","start_url":"/api/v1/auth/oidc/corp/start"},{"name":"Acme","start_url":"/api/v1/auth/oidc/`+p.ID+`/start"}]}`, string(list.Body))
}

func TestATenantsProviderSpeaksForItsDomainsAlone(t *testing.T) {
	t.Parallel()
	s, z := newSiteWithZone(t)
	owner, member, foreign := s.Register(t, "owner"), s.Register(t, "member"), s.Register(t, "foreign")
	join(t, s.App, owner, member, authz.Viewer)
	for _, u := range []*testapp.User{&member, &foreign} {
		s.verified(t, *u)
		u.Email = strings.Replace(u.Email, "@example.com", "@acme.com", 1)
		tamper(t, s.App, "UPDATE identity_users SET email = '"+u.Email+"' WHERE id = '"+u.ID.String()+"'")
	}
	var p provider
	s.Want(t, http.StatusCreated, call("POST", providersPath, owner.Token, s.provider(fields{"jit": true, "default_roles": []string{authz.Viewer}}))).JSON(t, &p)
	s.op.says(member.Email)
	_, fault := s.window(t).signIn(t, p.ID, "")
	require.Equal(t, "identity.domain_not_allowed", fault, "the domain is not proved")
	s.Want(t, http.StatusOK, call("POST", providersPath+"/"+p.ID+"/prove-domains", owner.Token, nil)).JSON(t, &p)
	require.False(t, p.Domains[0].Proved)
	s.Want(t, http.StatusNoContent, call("DELETE", providersPath+"/"+p.ID, owner.Token, nil))
	p = s.proved(t, z, owner, fields{"jit": true, "default_roles": []string{authz.Viewer}})

	before := s.Rows(t, "SELECT id FROM identity_users")
	for email, want := range map[string]string{
		"a@evil-acme.com": "identity.domain_not_allowed", "a@acme.com.evil.com": "identity.domain_not_allowed", "a@sub.acme.com": "identity.domain_not_allowed",
		"a@acme.co": "identity.domain_not_allowed", "a@xacme.com": "identity.domain_not_allowed", "acme.com@evil.com": "identity.domain_not_allowed",
		`"a@acme.com"@evil.com`: "identity.email_not_vouched", "a@evil.com@acme.com": "identity.email_not_vouched", "a@acme.com.": "identity.email_not_vouched",
		"<a@acme.com>": "identity.email_not_vouched", "a@аcme.com": "identity.email_not_vouched",
		foreign.Email: "identity.link_required",
	} {
		s.op.says(email, fields{"sub": "somebody"})
		_, fault := s.window(t).signIn(t, p.ID, "")
		if want == "identity.email_not_vouched" {
			require.Contains(t, []string{want, "identity.domain_not_allowed"}, fault, email)
			continue
		}
		require.Equal(t, want, fault, email)
	}
	s.op.says("b@acme.com", fields{"email_verified": false})
	_, fault = s.window(t).signIn(t, p.ID, "")
	require.Equal(t, "identity.email_not_vouched", fault)
	require.Equal(t, before, s.Rows(t, "SELECT id FROM identity_users"))
	require.Empty(t, s.Rows(t, "SELECT id FROM identity_federated"))

	s.op.says(member.Email)
	got, fault := s.window(t).signIn(t, p.ID, "")
	require.Empty(t, fault)
	require.Equal(t, member.ID, whoAmI(t, s.App, got.Access).User.ID)
	require.Equal(t, owner.TenantID, whoAmI(t, s.App, got.Access).Tenant.ID)
	s.op.says("moved@evil.com", fields{"sub": "sub-" + member.Email})
	_, fault = s.window(t).signIn(t, p.ID, "")
	require.Equal(t, "identity.domain_not_allowed", fault, "also for who was here before")

	tamper(t, s.App, "UPDATE identity_tenants SET suspended_at = CURRENT_TIMESTAMP WHERE id = '"+owner.TenantID.String()+"'")
	_, status, code := s.window(t).visit(t, s.start(p.ID, ""))
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "tenant.suspended", code)
}

func TestWhoSetsUpAProviderGivesNoMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	s, z := newSiteWithZone(t)
	owner, admin, other := s.Register(t, "owner"), s.Register(t, "admin"), s.Register(t, "other")
	join(t, s.App, owner, admin, authz.Admin)
	asAdmin := in(t, s.App, admin, owner)
	p := s.proved(t, z, owner, nil)
	require.Equal(t, http.StatusForbidden, s.Do(t, call("POST", providersPath, asAdmin, s.provider(fields{"name": "Evil"}))).Status)
	require.Equal(t, http.StatusForbidden, s.Do(t, call("PATCH", providersPath+"/"+p.ID, asAdmin, fields{"issuer": "https://evil.example", "client_secret": "x"})).Status)
	before := s.Dump(t)
	for name, test := range map[string]struct {
		more   fields
		status int
	}{
		"the operator's role mapped":      {fields{"role_mapping": []fields{{"claim": "a", "value": "b", "role": authz.PlatformAdmin}}}, http.StatusForbidden},
		"the operator's role for all":     {fields{"default_roles": []string{authz.PlatformAdmin}}, http.StatusForbidden},
		"a role that is none":             {fields{"default_roles": []string{"emperor"}}, http.StatusUnprocessableEntity},
		"plain http":                      {fields{"issuer": "http://login.example.com"}, http.StatusUnprocessableEntity},
		"a file":                          {fields{"issuer": "file:///etc/passwd"}, http.StatusUnprocessableEntity},
		"a password in the address":       {fields{"issuer": "https://a:b@login.example.com"}, http.StatusUnprocessableEntity},
		"a query":                         {fields{"issuer": "https://login.example.com/?a=b"}, http.StatusUnprocessableEntity},
		"a domain that is none":           {fields{"domains": []string{"*.com"}}, http.StatusUnprocessableEntity},
		"the domain of everybody":         {fields{"domains": []string{"com"}}, http.StatusUnprocessableEntity},
		"a name twice":                    {fields{}, http.StatusConflict},
		"a tenant beside it":              {fields{"tenant_id": other.TenantID}, http.StatusUnprocessableEntity},
		"domains that are proved already": {fields{"proved_domains": []string{"acme.com"}}, http.StatusUnprocessableEntity},
	} {
		require.Equal(t, test.status, s.Do(t, call("POST", providersPath, owner.Token, s.provider(test.more))).Status, name)
	}
	require.Equal(t, http.StatusUnprocessableEntity, s.Do(t, call("PATCH", providersPath+"/"+p.ID, owner.Token, fields{"issuer": "https://evil.example"})).Status,
		"the secret is not sent to another issuer")
	require.Equal(t, before, s.Dump(t))
	stale := call("PATCH", providersPath+"/"+p.ID, owner.Token, fields{"name": "New"})
	stale.Header = map[string]string{"If-Match": `"1"`}
	s.Want(t, http.StatusPreconditionFailed, stale)
	read := s.Want(t, http.StatusOK, call("GET", providersPath+"/"+p.ID, asAdmin, nil))
	require.NotContains(t, string(read.Body), opSecret)
	for _, row := range s.Rows(t, "SELECT * FROM audit_events") {
		for column, value := range row {
			require.NotContains(t, value, opSecret, column)
		}
	}
	for _, row := range s.Rows(t, "SELECT client_secret FROM identity_providers") {
		require.NotContains(t, row["client_secret"], opSecret)
	}
	require.NotEmpty(t, s.Rows(t, "SELECT id FROM audit_events WHERE permission = 'identity.provider.manage' AND outcome = 'succeeded'"))
	require.Equal(t, http.StatusNotFound, s.Do(t, call("GET", providersPath+"/"+p.ID, other.Token, nil)).Status)
	s.Want(t, http.StatusOK, call("PATCH", providersPath+"/"+p.ID, owner.Token, fields{"enabled": false}))
	s.Want(t, http.StatusNotFound, testapp.Call{Path: "/api/v1/auth/oidc/" + p.ID + "/start"})
}

func TestATenantsProviderDoesNotReachTheInside(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	app := testapp.New(t, modules.All())
	inside := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.String() })
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{Handler: inside} //nolint:gosec // it is asked nothing
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	owner := app.Register(t, "owner")
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	for i, issuer := range []string{
		"http://127.0.0.1:" + port, "http://localhost:" + port, "https://127.0.0.1:" + port, "https://[::ffff:127.0.0.1]:" + port,
		"https://169.254.169.254", "https://10.0.0.1", "https://[fd00:ec2::254]", "https://0.0.0.0:" + port, "https://2130706433:" + port,
	} {
		var p provider
		app.Want(t, http.StatusCreated, call("POST", providersPath, owner.Token, fields{
			"name": string(rune('a' + i)), "issuer": issuer, "client_id": "x", "client_secret": "x",
		})).JSON(t, &p)
		answer := app.Want(t, http.StatusServiceUnavailable, testapp.Call{Path: "/api/v1/auth/oidc/" + p.ID + "/start"})
		require.Equal(t, "identity.provider_unavailable", answer.Code(t), issuer)
		require.NotContains(t, string(answer.Body), "refused", "it does not say what it found")
	}
	require.Empty(t, asked)
}
