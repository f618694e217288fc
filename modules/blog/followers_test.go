package blog_test

import (
	"net/http"
	"testing"

	"github.com/yourorg/platform/internal/testapp"
)

// member is somebody whom the author has invited, signed in to the author's tenant.
func (d *desk) member(t *testing.T, name string) testapp.User {
	t.Helper()
	u := d.Register(t, name)
	d.Want(t, http.StatusCreated, testapp.Call{
		Method: "POST", Path: "/api/v1/invitations", Token: d.author.Token, Body: fields{"email": u.Email, "roles": []string{"member"}},
	})
	d.Want(t, http.StatusOK, testapp.Call{
		Method: "POST", Path: "/api/v1/invitations/accept", Token: u.Token,
		Body: fields{"token": d.Mail(t, u.Email, "identity.invitation").Token(t)},
	})
	var tokens struct {
		Access string `json:"access_token"`
	}
	d.Want(t, http.StatusOK, testapp.Call{
		Method: "POST", Path: "/api/v1/auth/switch", Token: u.Token, Body: fields{"tenant": d.author.TenantID.String()},
	}).JSON(t, &tokens)
	u.Token, u.TenantID = tokens.Access, d.author.TenantID
	return u
}

// inbox is what the app shows somebody, newest first.
func (d *desk) inbox(t *testing.T, u testapp.User) []string {
	t.Helper()
	var page struct{ Items []struct{ Subject string } }
	d.Want(t, http.StatusOK, testapp.Call{Path: "/api/v1/me/notifications", Token: u.Token}).JSON(t, &page)
	subjects := []string{}
	for _, n := range page.Items {
		subjects = append(subjects, n.Subject)
	}
	return subjects
}
