package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// request sends JSON and decodes the answer; the error is one of the connection.
func (r *running) request(ctx context.Context, method, path, token string, body, into any) (status int, err error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, r.platformURL+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	if body != nil {
		request.Body = io.NopCloser(bytes.NewReader(encoded))
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			return 0, fmt.Errorf("%s %s answered %d %q: %w", method, path, response.StatusCode, answer, err)
		}
	}
	return response.StatusCode, nil
}

func (r *running) want(t *testing.T, status int, method, path, token string, body, into any) {
	t.Helper()
	got, err := r.request(t.Context(), method, path, token, body, into)
	require.NoError(t, err)
	require.Equal(t, status, got, "%s %s\n%s", method, path, &r.log)
}

// login returns an access token.
func (r *running) login(t *testing.T, email, password string) string {
	t.Helper()
	var tokens struct {
		Access string `json:"access_token"`
	}
	r.want(t, http.StatusOK, "POST", "/api/v1/auth/login", "", map[string]string{"email": email, "password": password}, &tokens)
	require.NotEmpty(t, tokens.Access)
	return tokens.Access
}

// register makes a user with a tenant and returns an access token.
func (r *running) register(t *testing.T) string {
	t.Helper()
	const email, password = "writer@example.com", "a long enough password"
	r.want(t, http.StatusCreated, "POST", "/api/v1/auth/register", "",
		map[string]string{"email": email, "password": password, "name": "Writer", "tenant_name": "Writers"}, nil)
	return r.login(t, email, password)
}
