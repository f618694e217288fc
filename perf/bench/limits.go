package main

import "context"

// limits measures what it costs to hold a request against the limits of its address and its tenant.
func limits(ctx context.Context, count int) ([]row, error) {
	guard, err := run(ctx, "./internal/abuse", "^BenchmarkAllow$", count)
	if err != nil {
		return nil, err
	}
	rates, err := run(ctx, "./internal/ratelimit", "^(BenchmarkTenantDecision|BenchmarkRedisDecision)$", count)
	if err != nil {
		return nil, err
	}
	quotas, err := run(ctx, "./internal/quota", "^BenchmarkRequest$", count)
	if err != nil {
		return nil, err
	}
	address := "x/time/rate, which knows no clients " + guard["Allow/x_time_rate"].String()
	bucket := "x/time/rate, which knows no tenants " + rates["TenantDecision/x_time_rate"].String()
	get := "a bare GET " + rates["RedisDecision/bare_get"].String()
	return []row{
		{"abuse guard: a client that is known", guard["Allow/one_client"].String(), "", address},
		{"abuse guard: 100,000 clients in turn", guard["Allow/100k_clients"].String(), "", address},
		{"rate limit in memory: a tenant", rates["TenantDecision/one_tenant"].String(), "≤ 150 ns", bucket},
		{"rate limit in memory: a tenant and its key", rates["TenantDecision/tenant_and_key"].String(), "", bucket},
		{"rate limit in Redis: a tenant and its key", rates["RedisDecision/tenant_and_key"].String(), "", get},
		{"quota of requests: a tenant with two windows", quotas["Request/limited"].String(), "", ""},
	}, nil
}
