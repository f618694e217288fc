package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// result is the median of one benchmark.
type result struct {
	nanoseconds, bytes, allocs float64
	own                        map[string]float64 // what the benchmark measures itself, by unit
}

func (r result) String() string {
	return fmt.Sprintf("%s, %.0f allocs", duration(r.nanoseconds), r.allocs)
}

func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.1f µs", ns/1e3)
	}
	return fmt.Sprintf("%.1f ms", ns/1e6)
}

// benchmarks runs the Go benchmarks that carry a promise.
func benchmarks(ctx context.Context, count int) ([]row, error) {
	authz, err := run(ctx, "./internal/authz", "^(BenchmarkAuthorize|BenchmarkCasbinEnforce)$", count)
	if err != nil {
		return nil, err
	}
	path, err := run(ctx, "./internal/httpserver", "^(BenchmarkPath|BenchmarkMe)$", count)
	if err != nil {
		return nil, err
	}
	tokens, err := run(ctx, "./internal/auth", "^BenchmarkVerify", count)
	if err != nil {
		return nil, err
	}
	accounts, err := run(ctx, "./modules/identity", "^BenchmarkLogin$", count)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, name := range sorted(authz) {
		size, ours := strings.CutPrefix(name, "Authorize/")
		if !ours {
			continue
		}
		r := row{what: "permission check: " + strings.ReplaceAll(size, "_", " "), value: authz[name].String(), limit: "≤ 200 ns, 0 allocs"}
		if casbin, measured := authz["CasbinEnforce/"+size]; measured {
			r.peer = "casbin Enforce " + casbin.String()
		}
		rows = append(rows, r)
	}
	for _, name := range sorted(tokens) {
		rows = append(rows, row{what: "token: " + name, value: tokens[name].String()})
	}
	limited, err := limits(ctx, count)
	if err != nil {
		return nil, err
	}
	rows = append(rows, limited...)
	login, hash := accounts["Login/login"], accounts["Login/argon2id"]
	rows = append(rows,
		row{
			what: "sign-ins on all CPUs", value: fmt.Sprintf("%.0f a second", 1e9/login.nanoseconds),
			peer: fmt.Sprintf("argon2id alone %.0f a second", 1e9/hash.nanoseconds),
		},
		row{
			what: "GET /api/v1/me over loopback", value: path["Me/platform"].String(),
			peer: "bare gin, same bytes " + path["Me/bare_gin"].String(),
		})
	bare, secured := path["Path/bare_gin"], path["Path/secured"]
	rows = append(rows,
		row{what: "request: bare net/http", value: path["Path/net_http"].String()},
		row{what: "request: bare gin", value: bare.String()},
		row{what: "request: whole secured path, empty handler", value: secured.String()},
		row{
			what:  "request: secured path over bare gin",
			value: fmt.Sprintf("+%s, +%.0f allocs", duration(secured.nanoseconds-bare.nanoseconds), secured.allocs-bare.allocs),
			limit: "≤ 15 µs, ≤ 40 allocs",
			peer:  fmt.Sprintf("net/http %s, gin %s", duration(path["Path/net_http"].nanoseconds), duration(bare.nanoseconds)),
		})
	return rows, nil
}

// run returns the median of each benchmark of a package, by its name without the prefix and the processor count.
func run(ctx context.Context, pkg, pattern string, count int, env ...string) (map[string]result, error) {
	fmt.Fprintf(os.Stderr, "bench: %s\n", pkg)
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchmem", "-count", strconv.Itoa(count), pkg)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &stderr, append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", pkg, err, out.Bytes(), stderr.Bytes())
	}
	samples := map[string][]result{}
	lines := bufio.NewScanner(&out)
	for lines.Scan() {
		if name, r, ok := parse(lines.Text()); ok {
			samples[name] = append(samples[name], r)
		}
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("%s: no benchmark matches %s", pkg, pattern)
	}
	medians := map[string]result{}
	for name, all := range samples {
		slices.SortFunc(all, func(a, b result) int { return int(a.nanoseconds*1000 - b.nanoseconds*1000) })
		medians[name] = all[len(all)/2]
	}
	return medians, lines.Err()
}

// parse reads "BenchmarkX/y-2  1000  123 ns/op  4 B/op  5 allocs/op".
func parse(line string) (string, result, bool) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return "", result{}, false
	}
	name := strings.TrimPrefix(fields[0], "Benchmark")
	if at := strings.LastIndex(name, "-"); at > 0 {
		name = name[:at]
	}
	r := result{own: map[string]float64{}}
	for i := 2; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return "", r, false
		}
		switch fields[i+1] {
		case "ns/op":
			r.nanoseconds = value
		case "B/op":
			r.bytes = value
		case "allocs/op":
			r.allocs = value
		default:
			r.own[fields[i+1]] = value
		}
	}
	return name, r, true
}

func sorted(m map[string]result) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
