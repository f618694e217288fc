package identity

import (
	"context"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
)

func (h *handler) VerifyEmail(ctx context.Context, r api.VerifyEmailRequestObject) (api.VerifyEmailResponseObject, error) {
	if err := h.identity.verifyEmail(ctx, r.Body.Token); err != nil {
		return nil, err
	}
	return api.VerifyEmail204Response{}, nil
}

func (h *handler) ResendVerification(
	ctx context.Context, r api.ResendVerificationRequestObject,
) (api.ResendVerificationResponseObject, error) {
	if err := h.identity.resendVerification(ctx, r.Body.Email); err != nil {
		return nil, err
	}
	return api.ResendVerification202Response{}, nil
}

func (h *handler) ForgotPassword(ctx context.Context, r api.ForgotPasswordRequestObject) (api.ForgotPasswordResponseObject, error) {
	if err := h.identity.forgotPassword(ctx, r.Body.Email); err != nil {
		return nil, err
	}
	return api.ForgotPassword202Response{}, nil
}

func (h *handler) ResetPassword(ctx context.Context, r api.ResetPasswordRequestObject) (api.ResetPasswordResponseObject, error) {
	if err := h.identity.resetPassword(ctx, r.Body.Token, r.Body.Password); err != nil {
		return nil, err
	}
	return api.ResetPassword204Response{}, nil
}

func (h *handler) ChangePassword(ctx context.Context, r api.ChangePasswordRequestObject) (api.ChangePasswordResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.identity.changePassword(ctx, caller, r.Body.CurrentPassword, r.Body.NewPassword); err != nil {
		return nil, err
	}
	return api.ChangePassword204Response{}, nil
}

func (h *handler) ChangeEmail(ctx context.Context, r api.ChangeEmailRequestObject) (api.ChangeEmailResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.identity.requestEmailChange(ctx, caller, r.Body.Email, r.Body.Password); err != nil {
		return nil, err
	}
	return api.ChangeEmail202Response{}, nil
}

func (h *handler) ConfirmEmailChange(
	ctx context.Context, r api.ConfirmEmailChangeRequestObject,
) (api.ConfirmEmailChangeResponseObject, error) {
	completed, err := h.identity.confirmEmailChange(ctx, r.Body.Token)
	if err != nil {
		return nil, err
	}
	return api.ConfirmEmailChange200JSONResponse{Completed: completed}, nil
}

func (h *handler) DeleteMe(ctx context.Context, r api.DeleteMeRequestObject) (api.DeleteMeResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	due, err := h.identity.requestDeletion(ctx, caller, r.Body.Password)
	if err != nil {
		return nil, err
	}
	return api.DeleteMe202JSONResponse{DeletionDueAt: due}, nil
}

func (h *handler) ExportMe(ctx context.Context, _ api.ExportMeRequestObject) (api.ExportMeResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	e, err := h.identity.export(ctx, caller)
	if err != nil {
		return nil, err
	}
	return api.ExportMe200JSONResponse(toAPIExport(e)), nil
}

func toAPIExport(e export) api.Export {
	out := api.Export{
		ExportedAt: e.at,
		User: api.ExportedUser{
			ID: e.user.ID, Email: e.user.Email, Name: e.user.Name, CreatedAt: e.user.CreatedAt,
			EmailVerifiedAt: e.user.EmailVerifiedAt, DeletionDueAt: e.user.DeletionDueAt,
		},
		Memberships: []api.ExportedMembership{}, Sessions: []api.ExportedSession{}, AuditEvents: []api.ExportedEvent{},
		AuditEventsComplete: e.complete, Factors: toAPIFactors(e.factors), RecoveryCodesLeft: e.codes,
		Identities: toAPIIdentities(e.identities),
	}
	for _, m := range e.memberships {
		out.Memberships = append(out.Memberships, api.ExportedMembership{
			Tenant: toAPITenant(m.tenant), Roles: append([]string{}, m.roles...), JoinedAt: m.since,
		})
	}
	for _, s := range e.sessions {
		out.Sessions = append(out.Sessions, api.ExportedSession{
			ID: s.ID, TenantID: s.TenantID, UserAgent: s.UserAgent, IP: s.IP,
			CreatedAt: s.CreatedAt, LastSeenAt: s.lastSeen, ExpiresAt: s.ExpiresAt, RevokedAt: s.revoked,
		})
	}
	if c := e.change; c != nil {
		out.EmailChange = &api.ExportedEmailChange{NewEmail: c.NewEmail, CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt}
	}
	for _, v := range e.events {
		out.AuditEvents = append(out.AuditEvents, api.ExportedEvent{
			ID: v.ID, Time: v.Time, TenantID: v.tenant, Action: v.Permission, Target: v.Target, Outcome: string(v.Outcome),
			IP: v.IP, RequestID: v.RequestID,
		})
	}
	return out
}
