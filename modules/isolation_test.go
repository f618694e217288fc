package modules_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/httpserver"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
	"github.com/yourorg/platform/pkg/tenant"
)

// These tests are made from the contracts: they attack every operation that the server has, those of a new module
// included, without a word about it here.

// makers create a resource whose collection has no POST operation that answers with its id. The key is a path up to
// and including the id, such as "/api/v1/billing/invoices/{id}"; prefix is the path of its collection, with the ids
// before it filled in. A maker returns the id of a new resource that belongs to owner.
var makers = map[string]func(t *testing.T, app *testapp.App, owner testapp.User, prefix string) string{
	// Only the tenant that a caller acts in has operations.
	"/api/v1/tenants/{id}": func(_ *testing.T, _ *testapp.App, owner testapp.User, _ string) string {
		return owner.TenantID.String()
	},
	// Somebody becomes a member by an invitation; the owner is one already.
	"/api/v1/members/{id}": func(_ *testing.T, _ *testapp.App, owner testapp.User, _ string) string { return owner.ID.String() },
	// Signing in makes a session, and answers with its tokens.
	"/api/v1/me/sessions/{id}": newSession,
	// Coming back from an identity provider links an identity.
	"/api/v1/me/identities/{id}": newIdentity,
	// Telling somebody something puts it into their inbox.
	"/api/v1/me/notifications/{id}": newMessage,
	// Templates are there in every tenant.
	"/api/v1/notification-templates/{name}":          func(*testing.T, *testapp.App, testapp.User, string) string { return "notify.digest" },
	"/api/v1/notification-templates/{name}/{locale}": func(*testing.T, *testapp.App, testapp.User, string) string { return "en" },
}

func newSession(t *testing.T, app *testapp.App, owner testapp.User, prefix string) string {
	t.Helper()
	token, _ := app.Login(t, owner.Email, owner.Password)
	var list struct{ Items []struct{ ID string } }
	app.Want(t, http.StatusOK, testapp.Call{Path: prefix + "?limit=1", Token: token}).JSON(t, &list)
	require.Len(t, list.Items, 1)
	return list.Items[0].ID
}

func newIdentity(t *testing.T, app *testapp.App, owner testapp.User, _ string) string {
	t.Helper()
	id := uuid.NewString()
	require.NoError(t, app.Database.Exec(t.Context(), "INSERT INTO identity_federated (id, user_id, provider, issuer, subject, email, created_at) VALUES ('"+
		id+"', '"+owner.ID.String()+"', 'corp', 'https://login.example.com', '"+id+"', '', CURRENT_TIMESTAMP)", []any{}, nil))
	return id
}

func newMessage(t *testing.T, app *testapp.App, owner testapp.User, _ string) string {
	t.Helper()
	id := uuid.NewString()
	require.NoError(t, app.Database.Exec(tenant.System(t.Context(), "a test"), "INSERT INTO notify_inbox (id, tenant_id, user_id, template, category, subject, text, created_at) VALUES ('"+
		id+"', '"+owner.TenantID.String()+"', '"+owner.ID.String()+"', 'sample.news', 'news', 'News', 'Spring', CURRENT_TIMESTAMP)", []any{}, nil))
	return id
}

// open are paths up to an id that means the same to every tenant, each with the reason. Nothing is created for them.
var open = map[string]string{
	"/api/v1/ops/events/{id}":                        "only the operator is answered, about every tenant",
	"/api/v1/ops/jobs/{id}":                          "only the operator is answered, about every tenant",
	"/api/v1/ops/queues/{name}":                      "only the operator is answered",
	"/api/v1/ops/schedules/{name}":                   "only the operator is answered",
	"/api/v1/ops/tenants/{id}":                       "only the operator is answered, about every tenant",
	"/api/v1/ops/plans/{name}":                       "only the operator is answered",
	"/api/v1/ops/notifications/{id}":                 "only the operator is answered, about every tenant",
	"/api/v1/notification-templates/{name}":          "the names of templates are the same everywhere; what a tenant says is tested in modules/notifications",
	"/api/v1/notification-templates/{name}/{locale}": "so are the languages",
}

// unsound are the answers to a request that never got as far as its resource.
var unsound = []int{
	http.StatusBadRequest, http.StatusNotFound, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusPreconditionRequired,
}

func TestNoOneReachesAnotherTenant(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	victim, intruder := app.Register(t, "victim"), app.Register(t, "intruder")
	attacked := 0
	for _, op := range app.Server.Routes() {
		if op.Access == contract.Public || !strings.Contains(op.Path, "{") {
			continue
		}
		theirs, mine := ids(t, app, victim, op.Path), ids(t, app, intruder, op.Path)
		for _, attack := range attacks(op.Path, theirs, mine) {
			attacked++
			before := app.Dump(t)
			answer := app.Do(t, testapp.Valid(t, op.Operation, intruder.Token, attack...))
			require.Contains(t, []int{http.StatusNotFound, http.StatusForbidden}, answer.Status,
				"%s %s let %v in: %s", op.Method, op.Path, attack, answer.Body)
			require.Equal(t, before, app.Dump(t), "%s %s changed something", op.Method, op.Path)

			// What exists elsewhere is answered like what exists nowhere.
			nowhere := slices.Repeat([]string{uuid.NewString()}, len(attack))
			absent := app.Do(t, testapp.Valid(t, op.Operation, intruder.Token, nowhere...))
			require.Equal(t, absent.Status, answer.Status, "%s %s tells what exists elsewhere", op.Method, op.Path)
			require.Equal(t, absent.Code(t), answer.Code(t), "%s %s tells what exists elsewhere", op.Method, op.Path)
		}
		// The same request by the owner gets through: the intruder was stopped by the tenant and not by a bad request.
		own := app.Do(t, testapp.Valid(t, op.Operation, victim.Token, theirs...))
		require.NotContains(t, unsound, own.Status, "%s %s by its owner: %s", op.Method, op.Path, own.Body)
		if app.Do(t, testapp.Call{Path: "/api/v1/me", Token: victim.Token}).Status != http.StatusOK {
			victim = app.Register(t, "victim") // it was the end of the owner's session, or tenant
		}
	}
	require.NotZero(t, attacked)
}

func TestNoListShowsAnotherTenant(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	victim, stranger := app.Register(t, "victim"), app.Register(t, "stranger")
	secrets := []string{victim.ID.String(), victim.TenantID.String(), victim.Email}
	for _, op := range app.Server.Routes() {
		if op.Access != contract.Public && strings.Contains(op.Path, "{") {
			for i, id := range ids(t, app, victim, op.Path) {
				if _, shared := open[upTo(op.Path, i+1)]; !shared {
					secrets = append(secrets, id)
				}
			}
		}
	}
	for _, op := range app.Server.Routes() {
		if op.Method != http.MethodGet || strings.Contains(op.Path, "{") {
			continue
		}
		answer := app.Do(t, testapp.Valid(t, op.Operation, stranger.Token))
		for _, secret := range secrets {
			require.NotContains(t, string(answer.Body), secret, "%s %s", op.Method, op.Path)
		}
	}
}

// attacks are all ways to put somebody else's ids into a path: all of them, and each of them among one's own.
func attacks(path string, theirs, mine []string) [][]string {
	var all [][]string
	for i, id := range theirs {
		if _, shared := open[upTo(path, i+1)]; shared {
			continue
		}
		mixed := slices.Clone(mine)
		mixed[i] = id
		all = append(all, mixed)
	}
	if len(all) > 1 {
		all = append(all, theirs)
	}
	return all
}

// ids creates a resource for every id in the path, each below the one before it, and returns their ids.
func ids(t *testing.T, app *testapp.App, owner testapp.User, path string) []string {
	t.Helper()
	var made []string
	for n := range strings.Count(path, "{") {
		template := upTo(path, n+1)
		collection := template[:strings.LastIndex(template, "/")]
		if create, ok := makers[template]; ok {
			made = append(made, create(t, app, owner, testapp.Fill(collection, made...)))
			continue
		}
		if _, shared := open[template]; shared {
			made = append(made, uuid.NewString())
			continue
		}
		i := slices.IndexFunc(app.Server.Routes(), func(r httpserver.Route) bool {
			return r.Method == http.MethodPost && r.Path == collection
		})
		require.GreaterOrEqual(t, i, 0, "there is no POST %s to create what %s names: add %q to makers, or to open when it belongs to no tenant", collection, path, template)
		answer := app.Do(t, testapp.Valid(t, app.Server.Routes()[i].Operation, owner.Token, made...))
		var created struct{ ID string }
		require.Equal(t, http.StatusCreated, answer.Status, "POST %s: %s; add %q to makers", collection, answer.Body, template)
		answer.JSON(t, &created)
		require.NotEmpty(t, created.ID, "POST %s answers without an id: add %q to makers", collection, template)
		made = append(made, created.ID)
	}
	return made
}

// upTo is the beginning of a path, with its first n ids.
func upTo(path string, n int) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") {
			if n--; n == 0 {
				return strings.Join(segments[:i+1], "/")
			}
		}
	}
	return path
}
