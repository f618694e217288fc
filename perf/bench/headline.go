package main

import (
	"context"
	"fmt"
	"strings"
)

// headline measures the whole path of a small request over loopback, what each layer of it costs, what a POST with a key for
// idempotency costs, and how much of all that is tracing that is off.
func headline(ctx context.Context, count int) ([]row, error) {
	took, err := run(ctx, "./internal/httpserver", "^(BenchmarkHeadline|BenchmarkLayers|BenchmarkPost)$", count)
	if err != nil {
		return nil, err
	}
	ours, bare, gin := took["Headline/platform"], took["Headline/net_http"], took["Headline/bare_gin"]
	each := func(r result) string {
		return fmt.Sprintf("%.0f/s, %s of CPU with the client", 1e9/r.nanoseconds, duration(r.own["cpu-ns/op"]))
	}
	rows := []row{
		{
			what: "small signed-in GET over loopback, everything on", value: each(ours),
			limit: "≥ 0.55 of bare net/http", peer: fmt.Sprintf("%.2f of bare net/http, %.2f of bare gin", bare.nanoseconds/ours.nanoseconds, gin.nanoseconds/ours.nanoseconds),
		},
		{what: "the same from bare net/http", value: each(bare)},
		{what: "the same from bare gin", value: each(gin)},
	}
	for _, name := range sorted(took) {
		if layer, found := strings.CutPrefix(name, "Layers/"); found {
			rows = append(rows, row{what: "layer " + layer, value: fmt.Sprintf("%+.0f ns", took[name].nanoseconds)})
		}
	}
	off, err := run(ctx, "./internal/tracing", "^BenchmarkOff$", count)
	if err != nil {
		return nil, err
	}
	rows = append(append(rows, once(took)...), trips(ctx))
	post := took["Post/plain"]
	return append(rows, untraced(off, "the small GET", ours, 0), untraced(off, "a POST", post, statements(post))), nil
}
