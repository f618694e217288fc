package identity_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/testapp"
)

const password = "a long enough password"

// fields are the JSON of a request.
type fields = map[string]any

type tokens struct {
	Access    string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"`
	Refresh   string `json:"refresh_token"`
}

type profile struct {
	User struct {
		ID          uuid.UUID
		Email, Name string
	}
	Tenant struct {
		ID         uuid.UUID
		Name, Slug string
	}
	Roles, Permissions []string
}

func registration(email string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/register", Body: fields{
		"email": email, "password": password, "name": "Ada", "tenant_name": "Acme",
	}}
}

func login(email, password string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/login", Body: fields{"email": email, "password": password}}
}

func refresh(token string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/refresh", Body: fields{"refresh_token": token}}
}

func logout(token string) testapp.Call {
	return testapp.Call{Method: "POST", Path: "/api/v1/auth/logout", Token: token}
}

func me(token string) testapp.Call { return testapp.Call{Path: "/api/v1/me", Token: token} }

// signedIn reads the tokens of an answer that must be one.
func signedIn(t *testing.T, app *testapp.App, call testapp.Call) tokens {
	t.Helper()
	var got tokens
	app.Want(t, http.StatusOK, call).JSON(t, &got)
	return got
}

func whoAmI(t *testing.T, app *testapp.App, token string) profile {
	t.Helper()
	var p profile
	app.Want(t, http.StatusOK, me(token)).JSON(t, &p)
	return p
}

// atOnce sends a call n times at the same moment.
func atOnce(t *testing.T, app *testapp.App, n int, call testapp.Call) []testapp.Answer {
	t.Helper()
	answers := make([]testapp.Answer, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			answers[i] = app.Do(t, call)
		})
	}
	close(start)
	all.Wait()
	return answers
}
