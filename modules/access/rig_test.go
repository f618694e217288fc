package access_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

const roles = "/api/v1/roles"

// fields are the JSON of a request.
type fields = map[string]any

// office is a platform with a tenant and its owner.
type office struct {
	*testapp.App
	owner testapp.User
}

func newOffice(t *testing.T, options ...testapp.Options) *office {
	t.Helper()
	app := testapp.New(t, modules.All(), options...)
	return &office{App: app, owner: app.Register(t, "olga")}
}

type grant struct{ Permission, When string }

type role struct {
	ID          uuid.UUID
	Name        string
	Description string
	BuiltIn     bool `json:"built_in"`
	Permissions []string
	Conditional []grant

	etag string
}

func (r role) path() string { return roles + "/" + r.ID.String() }

func read(t *testing.T, answer testapp.Answer) role {
	t.Helper()
	var r role
	answer.JSON(t, &r)
	r.etag = answer.Header.Get("ETag")
	return r
}

// join is a new user who works in the owner's tenant with these roles, invited by the owner.
func (o *office) join(t *testing.T, names ...string) testapp.User {
	t.Helper()
	u := o.Register(t, "colleague")
	o.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/invitations", Token: o.owner.Token, Body: fields{"email": u.Email, "roles": names},
	})
	o.Want(t, http.StatusOK, testapp.Call{
		Method: "POST", Path: "/api/v1/invitations/accept", Token: u.Token,
		Body: fields{"token": o.Mail(t, u.Email, "identity.invitation").Token(t)},
	})
	var tokens struct {
		Access string `json:"access_token"`
	}
	o.Want(t, http.StatusOK, testapp.Call{
		Method: "POST", Path: "/api/v1/auth/switch", Token: u.Token, Body: fields{"tenant": o.owner.TenantID.String()},
	}).JSON(t, &tokens)
	u.Token, u.TenantID = tokens.Access, o.owner.TenantID
	return u
}

func (o *office) patch(token string, r role, body fields) testapp.Call {
	return testapp.Call{Method: "PATCH", Path: r.path(), Token: token, Body: body}
}

// refused requires a status and a code.
func (o *office) refused(t *testing.T, status int, code string, c testapp.Call) testapp.Answer {
	t.Helper()
	answer := o.Want(t, status, c)
	require.Equal(t, code, answer.Code(t), "%s", answer.Body)
	return answer
}

func (o *office) create(t *testing.T, token string, body fields) role {
	t.Helper()
	return read(t, o.Want(t, http.StatusCreated, testapp.Call{Method: "POST", Path: roles, Token: token, Body: body}))
}

func (o *office) get(t *testing.T, id uuid.UUID) role {
	t.Helper()
	return read(t, o.Want(t, http.StatusOK, testapp.Call{Path: roles + "/" + id.String(), Token: o.owner.Token}))
}
