package identity

import (
	"context"

	"github.com/yourorg/platform/modules/identity/internal/api"
	"github.com/yourorg/platform/pkg/auth"
)

func (h *handler) FinishLogin(ctx context.Context, r api.FinishLoginRequestObject) (api.FinishLoginResponseObject, error) {
	from, err := asked(ctx, r.Body.Transport)
	if err != nil {
		return nil, err
	}
	t, err := h.identity.finishLogin(ctx, r.Body.MfaToken, r.Body.Code, from)
	if err != nil {
		return nil, err
	}
	answer, err := h.deliver(ctx, t)
	return api.FinishLogin200JSONResponse(answer), err
}

func (h *handler) StepUp(ctx context.Context, r api.StepUpRequestObject) (api.StepUpResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	var given proofs
	if r.Body.Password != nil {
		given.password = *r.Body.Password
	}
	if r.Body.Code != nil {
		given.code = *r.Body.Code
	}
	t, err := h.identity.stepUp(ctx, caller, given)
	if err != nil {
		return nil, err
	}
	answer, err := h.deliver(ctx, t)
	return api.StepUp200JSONResponse(answer), err
}

func (h *handler) GetMyMfa(ctx context.Context, _ api.GetMyMfaRequestObject) (api.GetMyMfaResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	s, err := h.identity.mfa(ctx, caller)
	if err != nil {
		return nil, err
	}
	return api.GetMyMfa200JSONResponse{Factors: toAPIFactors(s.factors), RecoveryCodesLeft: s.codes, Required: s.required}, nil
}

func (h *handler) BeginTotp(ctx context.Context, _ api.BeginTotpRequestObject) (api.BeginTotpResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	e, err := h.identity.beginTOTP(ctx, caller)
	if err != nil {
		return nil, err
	}
	return api.BeginTotp200JSONResponse{Secret: e.secret, OtpauthURI: e.uri, Qr: e.qr}, nil
}

func (h *handler) ConfirmTotp(ctx context.Context, r api.ConfirmTotpRequestObject) (api.ConfirmTotpResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	codes, err := h.identity.confirmTOTP(ctx, caller, r.Body.Code)
	if err != nil {
		return nil, err
	}
	return api.ConfirmTotp200JSONResponse{RecoveryCodes: codes}, nil
}

func (h *handler) RemoveTotp(ctx context.Context, _ api.RemoveTotpRequestObject) (api.RemoveTotpResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	if err := h.identity.removeTOTP(ctx, caller); err != nil {
		return nil, err
	}
	return api.RemoveTotp204Response{}, nil
}

func (h *handler) RenewRecoveryCodes(
	ctx context.Context, _ api.RenewRecoveryCodesRequestObject,
) (api.RenewRecoveryCodesResponseObject, error) {
	caller, _ := auth.FromContext(ctx)
	codes, err := h.identity.renewRecoveryCodes(ctx, caller)
	if err != nil {
		return nil, err
	}
	return api.RenewRecoveryCodes200JSONResponse{RecoveryCodes: codes}, nil
}

func toAPIFactors(list []Factor) []api.Factor {
	out := []api.Factor{}
	for _, f := range list {
		out = append(out, api.Factor{
			ID: f.ID, Kind: api.FactorKind(f.Kind), CreatedAt: f.CreatedAt, ConfirmedAt: f.ConfirmedAt, LastUsedAt: f.LastUsedAt,
		})
	}
	return out
}
