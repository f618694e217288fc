package debug

import (
	"context"
	"errors"
	"net"
	"net/http"

	"go.uber.org/zap"

	"github.com/yourorg/platform/internal/auth"
	"github.com/yourorg/platform/internal/management"
	"github.com/yourorg/platform/internal/problemdoc"
	"github.com/yourorg/platform/internal/system/coreapi"
	"github.com/yourorg/platform/pkg/audit"
	pkgauth "github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/logger"
	"github.com/yourorg/platform/pkg/perm"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/tenant"
	"github.com/yourorg/platform/pkg/web"
)

// errForeign is the answer to whoever is not in the operator's own tenant, whatever roles somebody may have made there.
var errForeign = problem.New(problem.Forbidden, "ops.operator_only", "Only the operator of the platform may do this")

// admit lets in who holds the permission in the operator's tenant, in a session. In development, whoever sits at this
// machine needs no token. The request that it returns carries the caller, as far as there is one, also with an error.
func (d *Debug) admit(r *http.Request, p perm.Permission) (*http.Request, error) {
	if err := d.origins.Check(r); err != nil { // a page of another site may not change anything, whoever looks at it
		return r, web.ErrCrossOrigin.Wrap(err)
	}
	if d.Env == config.Development && r.Header.Get("Authorization") == "" && local(r) {
		return r, nil
	}
	token, err := auth.Bearer(r.Header.Get("Authorization"))
	if err != nil {
		return r, err
	}
	caller, err := d.Tokens.Verify(r.Context(), token)
	switch {
	case err != nil:
		return r, err
	case caller.CSRF != "":
		return r, auth.ErrTokenMalformed.Wrap(errors.New("it was issued for a cookie"))
	}
	r = r.WithContext(tenant.NewContext(pkgauth.NewContext(r.Context(), caller), caller.TenantID))
	switch {
	case caller.Key != nil:
		return r, pkgauth.ErrSessionRequired
	case caller.NeedsFactor:
		return r, pkgauth.ErrFactorRequired
	}
	if err := d.Access.Authorize(r.Context(), p); err != nil {
		return r, err
	}
	operates, err := d.Operators.Operates(r.Context(), caller.TenantID)
	if err == nil && !operates {
		err = errForeign
	}
	return r, err
}

// local tells whether somebody at this machine has sent the request, and no page that they look at: neither one of
// another site nor one whose name was made to lead here (DNS rebinding). What came through a proxy is not local.
func local(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		return false
	}
	return loopback(r.RemoteAddr) && loopback(r.Host)
}

// loopback takes an address or a name, with or without a port.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// refuse answers an error. That a known caller may not change something is in the audit trail, as everywhere else.
func (d *Debug) refuse(w http.ResponseWriter, r *http.Request, p perm.Permission, err error) {
	fields := append(logger.Scope(r.Context()), zap.String("path", problemdoc.Cut(r.URL.Path)), zap.Error(err))
	if request := logger.FromContext(r.Context()); request != nil {
		fields = append(fields, zap.String("ip", request.IP))
	}
	d.Log.Warn("refused", fields...)
	if kind := problem.From(err).Kind; p == coreapi.PermDebugChange && kind == problem.Forbidden {
		d.record(r.Context(), r.URL.Path, audit.Denied)
	}
	management.Refuse(w, r, err)
}

// record notes in the audit trail what a known caller has done. It is in the log in any case.
func (d *Debug) record(ctx context.Context, target string, outcome audit.Outcome) {
	if _, known := pkgauth.FromContext(ctx); !known {
		return
	}
	err := d.Tx.InTx(ctx, func(ctx context.Context) error {
		return d.Audit.Record(ctx, audit.Entry{Action: string(coreapi.PermDebugChange), Target: target, Outcome: outcome})
	})
	if err != nil {
		d.Log.Error("the audit trail lacks a change", append(logger.Scope(ctx), zap.String("target", target), zap.Error(err))...)
	}
}
