package httpserver

func (d deps) parts() Deps {
	return Deps{
		Log: d.Log, Metrics: d.Metrics, Catalog: d.Catalog, Tokens: d.Tokens, Authz: d.Authz, Tenants: d.Tenants, Audit: d.Audit, Tx: d.Tx,
		Health: d.Health, Limits: d.Limits, Cookies: d.Cookies, Errors: d.Errors, Answers: d.Answers, Tracer: d.Tracer, Usage: d.Usage,
		Terms: d.Terms, Rates: d.Rates, Denials: d.Denials, Quotas: d.Quotas, Sites: d.Sites.All, Placed: d.Placed.All, Settings: d.Choices,
		StepUpAge: d.Auth.StepUpAge,
	}
}
