package main

import (
	"context"
	"fmt"
	"strings"
)

// headline measures the whole path of a small request over loopback, and what each layer of it costs.
func headline(ctx context.Context, count int) ([]row, error) {
	took, err := run(ctx, "./internal/httpserver", "^(BenchmarkHeadline|BenchmarkLayers)$", count)
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
	return append(rows, row{
		what: "tracing that is off: a statement", value: off["Off/statement"].String(), limit: "< 1 %",
		peer: "the requests of this table without a statement " + ours.String(),
	}), nil
}
