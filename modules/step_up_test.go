package modules_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/contract"
	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

// These tests are made from the contracts, as those of isolation are.

func TestAnOldAuthenticationIsNotEnoughForWhatNeedsARecentOne(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ann")
	app.Tamper(t, "UPDATE identity_sessions SET authenticated_at = '2020-01-01 00:00:00+00:00'")
	var old struct {
		Token string `json:"access_token"`
	}
	app.Want(t, http.StatusOK, testapp.Call{
		Method: "POST", Path: "/api/v1/auth/refresh", Body: map[string]any{"refresh_token": user.Refresh},
	}).JSON(t, &old)
	asked := 0
	for _, op := range app.Server.Routes() {
		if !op.StepUp {
			continue
		}
		asked++
		before := app.Dump(t)
		refused := app.Want(t, http.StatusUnauthorized, testapp.Valid(t, op.Operation, old.Token))
		require.Equal(t, "identity.step_up_required", refused.Code(t), "%s %s", op.Method, op.Path)
		require.Contains(t, refused.Header.Get("WWW-Authenticate"), `error="insufficient_user_authentication"`)
		require.Equal(t, before, app.Dump(t), "%s %s changed something", op.Method, op.Path)
		fresh := app.Do(t, testapp.Valid(t, op.Operation, user.Token))
		if fresh.Status == http.StatusUnauthorized {
			require.NotEqual(t, "identity.step_up_required", fresh.Code(t), "%s %s refuses who has just signed in", op.Method, op.Path)
		}
	}
	require.NotZero(t, asked)
}

func TestWhoLacksARequiredFactorReachesOnlyWhatIsExempt(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	user := app.Register(t, "ann")
	require.NoError(t, app.Database.Exec(t.Context(), "UPDATE identity_tenants SET require_mfa = true", []any{}, nil))
	user.Token, _ = app.Login(t, user.Email, user.Password)
	exempt, refused := 0, 0
	for _, op := range app.Server.Routes() {
		if op.Access == contract.Public {
			continue
		}
		if op.MFAExempt {
			exempt++
			if op.Path == "/api/v1/auth/logout" {
				continue
			}
		}
		before := app.Dump(t)
		answer := app.Do(t, testapp.Valid(t, op.Operation, user.Token))
		if op.MFAExempt {
			require.NotContains(t, string(answer.Body), "identity.mfa_required", "%s %s", op.Method, op.Path)
			continue
		}
		refused++
		require.Equal(t, http.StatusForbidden, answer.Status, "%s %s: %s", op.Method, op.Path, answer.Body)
		require.Equal(t, "identity.mfa_required", answer.Code(t), "%s %s", op.Method, op.Path)
		require.Equal(t, before, app.Dump(t), "%s %s changed something", op.Method, op.Path)
	}
	require.NotZero(t, exempt)
	require.NotZero(t, refused)
}
