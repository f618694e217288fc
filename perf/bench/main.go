// Command bench measures the speeds and sizes that the platform promises, and prints them as one table. It is run by
// make bench, in the repository. Every figure is taken in this run, beside the raw library or a peer where there is one.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is one line of the table.
type row struct {
	what, value, limit, peer string
}

func main() {
	cold := flag.Bool("cold", true, "also measure a build without any cache, which takes minutes")
	count := flag.Int("count", 5, "runs of each benchmark; the median counts")
	flag.Parse()
	if err := bench(context.Background(), *cold, *count); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, cold bool, count int) error {
	dir, err := os.MkdirTemp("", "platform-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	rows, err := benchmarks(ctx, count)
	if err != nil {
		return err
	}
	small, err := headline(ctx, count)
	if err != nil {
		return err
	}
	read, err := posts(ctx, count)
	if err != nil {
		return err
	}
	delivered, err := events(ctx, count)
	if err != nil {
		return err
	}
	done, err := jobs(ctx, count)
	if err != nil {
		return err
	}
	more, err := processes(ctx, dir, cold)
	if err != nil {
		return err
	}
	return show(slices.Concat(rows, small, read, delivered, done, more))
}

func show(rows []row) error {
	fmt.Printf("\n%s, %s/%s, %d CPUs, %s\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpu())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "WHAT\tMEASURED\tPROMISED\tBESIDE IT")
	for _, r := range rows {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.what, r.value, r.limit, r.peer)
	}
	return w.Flush()
}

// cpu is the model's name, where the system tells it.
func cpu() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown CPU"
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}
