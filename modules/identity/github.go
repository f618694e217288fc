package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"golang.org/x/oauth2"

	"github.com/yourorg/platform/modules/identity/identityapi"
)

func githubConfig(u upstream, back string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: u.clientID, ClientSecret: u.secret, RedirectURL: back, Scopes: []string{"read:user", "user:email"},
		Endpoint: oauth2.Endpoint{
			AuthURL: u.issuer + "/login/oauth/authorize", TokenURL: u.issuer + "/login/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// redeemGitHub is redeem without an ID token: the answer comes from GitHub itself, over TLS, to whoever has the code's
// verifier and the client's secret. A user is known by the number, which no rename changes, and by the primary address.
func (o *openID) redeemGitHub(ctx context.Context, u upstream, back, code, iss string, s secrets) (vouched, error) {
	if iss != "" && iss != u.issuer && iss != u.issuer+"/login/oauth" {
		return vouched{}, identityapi.ErrSignInFailed.Wrap(errors.New("the answer is another issuer's (iss)"))
	}
	client := o.client(u)
	token, err := githubConfig(u, back).Exchange(context.WithValue(ctx, oauth2.HTTPClient, client), code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return vouched{}, refused(err)
	}
	var user struct {
		ID          int64
		Login, Name string
	}
	var addresses []struct {
		Email             string
		Primary, Verified bool
	}
	if err := askGitHub(ctx, client, u.github+"/user", token, &user); err != nil {
		return vouched{}, err
	}
	if err := askGitHub(ctx, client, u.github+"/user/emails", token, &addresses); err != nil {
		return vouched{}, err
	}
	if user.ID <= 0 {
		return vouched{}, identityapi.ErrSignInFailed.Wrap(errors.New("the user has no id"))
	}
	v := vouched{issuer: u.issuer, subject: strconv.FormatInt(user.ID, 10), name: user.Name, at: now(), claims: map[string]any{"login": user.Login}}
	if v.name == "" {
		v.name = user.Login
	}
	for _, a := range addresses {
		if a.Primary && a.Verified && validEmail(a.Email) {
			v.email, v.emailVerified = normalizeEmail(a.Email), true
		}
	}
	return v, nil
}

func askGitHub(ctx context.Context, client *http.Client, address string, token *oauth2.Token, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	token.SetAuthHeader(r)
	r.Header.Set("Accept", "application/vnd.github+json")
	answer, err := client.Do(r)
	if err != nil {
		return identityapi.ErrProviderUnavailable.After(providerPause).Wrap(err)
	}
	defer func() { _ = answer.Body.Close() }()
	switch {
	case answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests:
		return identityapi.ErrProviderUnavailable.After(providerPause).Wrap(fmt.Errorf("%s: %s", address, answer.Status))
	case answer.StatusCode != http.StatusOK:
		return identityapi.ErrSignInFailed.Wrap(fmt.Errorf("%s: %s", address, answer.Status))
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return identityapi.ErrSignInFailed.Wrap(fmt.Errorf("%s: %w", address, err))
	}
	return nil
}
