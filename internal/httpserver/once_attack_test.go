package httpserver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/pkg/tenant"
)

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// keyedRequest is one whose keys no Call can say.
func keyedRequest(t testing.TB, r *workshop, keys ...string) *http.Request {
	t.Helper()
	call := httptest.NewRequest(http.MethodPost, thingsPath, strings.NewReader(`{"text": "one"}`))
	call.Header.Set("Content-Type", "application/json")
	call.Header.Set("Authorization", "Bearer "+r.owner.Token)
	call.Header["Idempotency-Key"] = keys
	return call
}

// join makes a member of the owner's tenant.
func (r *workshop) join(t *testing.T, role string) testapp.User {
	t.Helper()
	u := r.Register(t, "bob")
	post := func(token, path string, body fields) testapp.Answer {
		return r.Do(t, testapp.Call{Method: "POST", Path: path, Token: token, Body: body})
	}
	post(r.owner.Token, "/api/v1/invitations", fields{"email": u.Email, "roles": []string{role}})
	post(u.Token, "/api/v1/invitations/accept", fields{"token": r.Mail(t, u.Email, "identity.invitation").Token(t)})
	var tokens struct {
		Access string `json:"access_token"`
	}
	post(u.Token, "/api/v1/auth/switch", fields{"tenant": r.owner.TenantID.String()}).JSON(t, &tokens)
	require.NotEmpty(t, tokens.Access)
	u.Token, u.TenantID = tokens.Access, r.owner.TenantID
	return u
}

// apiKey is the request for a key that may make things, under an Idempotency-Key.
func (r *workshop) apiKey(key string) testapp.Call {
	return testapp.Call{
		Method: "POST", Path: "/api/v1/api-keys", Token: r.owner.Token, Header: map[string]string{"Idempotency-Key": key},
		Body: fields{"name": "ci", "permissions": []string{"probe.thing.make"}},
	}
}

type issued struct{ Key string }

func TestAKeyMeansNothingToAnybodyElse(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	var first, second issued
	r.Want(t, http.StatusCreated, r.apiKey("a")).JSON(t, &first)
	r.Want(t, http.StatusCreated, r.apiKey("b")).JSON(t, &second)
	for i, token := range []string{r.owner.Token, r.Register(t, "eve").Token, r.join(t, "member").Token, first.Key, second.Key} {
		answer := r.Want(t, http.StatusCreated, making(token, "k-1", fmt.Sprint(i)))
		require.Empty(t, answer.Header.Get("Idempotency-Replayed"), i)
		require.JSONEq(t, fmt.Sprintf(`{"text": "%d"}`, i), string(answer.Body))
	}
	require.Len(t, r.effects(t), 5)
}

func TestWhoMayNoLongerDoItGetsNoAnswer(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	bob := r.join(t, "member")
	call := making(bob.Token, "k-1", "one")
	r.Want(t, http.StatusCreated, call)
	require.NoError(t, r.Grants.Unassign(tenant.NewContext(t.Context(), bob.TenantID), bob.TenantID, bob.ID, "member"))
	testapp.WithinASecond(t, func() bool { return r.Do(t, call).Status == http.StatusForbidden })
	require.NoError(t, r.Grants.Assign(tenant.NewContext(t.Context(), bob.TenantID), bob.TenantID, bob.ID, "member"))
	testapp.WithinASecond(t, func() bool { return r.Do(t, call).Header.Get("Idempotency-Replayed") == "true" })

	admin, _ := r.Login(t, testapp.AdminEmail, testapp.AdminPassword)
	r.Want(t, http.StatusOK, testapp.Call{Method: "POST", Path: "/api/v1/tenants/" + bob.TenantID.String() + "/suspend", Token: admin})
	testapp.WithinASecond(t, func() bool { return r.Do(t, call).Status == http.StatusForbidden })
}

func TestWhatIsShownOnceCannotBeReadInTheDatabase(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	var first, again issued
	r.Want(t, http.StatusCreated, r.apiKey("the-key-of-the-request")).JSON(t, &first)
	r.Want(t, http.StatusCreated, r.apiKey("the-key-of-the-request")).JSON(t, &again)
	require.NotEmpty(t, first.Key)
	require.Equal(t, first, again)
	rows := fmt.Sprint(r.Rows(t, "SELECT * FROM idempotency_answers"))
	files := ""
	if path, ok := strings.CutPrefix(r.DatabaseURL(), "sqlite://"); ok {
		for _, suffix := range []string{"", "-wal"} {
			raw, err := os.ReadFile(path + suffix)
			require.NoError(t, err)
			files += string(raw)
		}
		require.Contains(t, files, r.owner.Email, "this is where things are kept")
	}
	for _, secret := range []string{first.Key, "the-key-of-the-request"} {
		require.NotContains(t, rows, secret)
		require.NotContains(t, files, secret)
	}
}

func TestAnAnswerInAnotherRowCannotBeRead(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "one"))
	from := r.Rows(t, "SELECT id FROM idempotency_answers")[0]["id"]
	r.Want(t, http.StatusCreated, making(r.owner.Token, "k-2", "one"))
	r.Tamper(t, "UPDATE idempotency_answers SET answer = (SELECT answer FROM idempotency_answers WHERE id = '"+from+"')")
	r.Want(t, http.StatusCreated, making(r.owner.Token, "k-1", "one"))
	r.Want(t, http.StatusInternalServerError, making(r.owner.Token, "k-2", "one"))
	require.Equal(t, map[string]int{"one": 2}, r.effects(t))
}

func TestAnswersGoWithTheirOwner(t *testing.T) {
	t.Parallel()
	r := newWorkshop(t)
	bob, eve := r.join(t, "member"), r.Register(t, "eve")
	for _, token := range []string{r.owner.Token, bob.Token, eve.Token} {
		r.Want(t, http.StatusCreated, making(token, "k-1", "one"))
	}
	in := func(id uuid.UUID) context.Context { return tenant.NewContext(t.Context(), id) }
	require.NoError(t, r.answers.EraseMember(in(bob.TenantID), bob.TenantID, bob.ID))
	require.Len(t, r.Rows(t, "SELECT id FROM idempotency_answers"), 2)
	for _, want := range []int{1, 0} {
		n, err := r.answers.Erase(in(r.owner.TenantID), r.owner.TenantID)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	left := r.Rows(t, "SELECT user_id FROM idempotency_answers")
	require.Equal(t, []map[string]string{{"user_id": eve.ID.String()}}, left)
}
