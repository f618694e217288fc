package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const starts = 7 // warm starts; the median counts

// processes measures the binary: its size, how it starts, what it takes when idle, two of them, and a build without
// caches.
func processes(ctx context.Context, dir string, cold bool) ([]row, error) {
	binary := filepath.Join(dir, "platform")
	if err := build(ctx, binary, os.Environ()); err != nil {
		return nil, err
	}
	info, err := os.Stat(binary)
	if err != nil {
		return nil, err
	}
	if _, _, err := start(ctx, dir, binary, 0); err != nil { // the first start makes the database
		return nil, err
	}
	var took []time.Duration
	var rss int64
	for range starts {
		d, kib, err := start(ctx, dir, binary, 3*time.Second)
		if err != nil {
			return nil, err
		}
		took, rss = append(took, d), kib
	}
	slices.Sort(took)
	rows := []row{
		{what: "start of platform all, warm SQLite file", value: fmt.Sprintf("%d ms", took[len(took)/2].Milliseconds()), limit: "≤ 300 ms"},
		{what: "binary, static and stripped", value: fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), limit: "≤ 60 MB"},
		{what: "idle resident memory", value: fmt.Sprintf("%.1f MB", float64(rss)*1024/1e6), limit: "≤ 80 MB"},
	}
	second, err := replicas(ctx, dir, binary)
	if err != nil {
		return nil, fmt.Errorf("two processes: %w", err)
	}
	rows = append(rows, second)
	if !cold {
		return rows, nil
	}
	began := time.Now()
	if err := build(ctx, binary, append(os.Environ(), "GOCACHE="+filepath.Join(dir, "cache"))); err != nil {
		return nil, err
	}
	return append(rows, row{what: "build without a build cache", value: time.Since(began).Round(time.Second).String()}), nil
}

// build does what "make build" does.
func build(ctx context.Context, binary string, env []string) error {
	fmt.Fprintln(os.Stderr, "bench: go build")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "nomsgpack", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", binary, "./cmd/platform")
	cmd.Env = append(env, "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// process is a running platform.
type process struct {
	cmd  *exec.Cmd
	addr string
	took time.Duration // from exec to the first 200 of /ready
}

// launch runs the binary until it is ready.
func launch(ctx context.Context, dir, binary string, env ...string) (*process, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{addr: ln.Addr().String()}
	if err := ln.Close(); err != nil {
		return nil, err
	}
	p.cmd = exec.CommandContext(ctx, binary, "all", "--set", "http.addr="+p.addr, "--set", "http.drain_interval=0s", "--set", "log.level=error",
		"--set", "http.abuse_guard.rate=1000000", "--set", "http.abuse_guard.burst=1000000", // everything comes from one address
		"--set", "ratelimit.tenant.per_second=1000000", "--set", "ratelimit.tenant.burst=10000000") // and from one tenant
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), env...)
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if p.took, err = ready(ctx, p.addr, began); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *process) url() string { return "http://" + p.addr }

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// start measures one start and, after an idle time, the resident memory in KiB.
func start(ctx context.Context, dir, binary string, idle time.Duration) (time.Duration, int64, error) {
	p, err := launch(ctx, dir, binary)
	if err != nil {
		return 0, 0, err
	}
	defer p.stop()
	if idle == 0 {
		return p.took, 0, nil
	}
	time.Sleep(idle)
	rss, err := resident(p.cmd.Process.Pid)
	return p.took, rss, err
}

func ready(ctx context.Context, addr string, began time.Time) (time.Duration, error) {
	for time.Since(began) < 30*time.Second {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/ready", nil)
		if err != nil {
			return 0, err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return time.Since(began), nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return 0, fmt.Errorf("%s was not ready in time", addr)
}

// resident reads VmRSS (proc(5)), in KiB. Systems without /proc have no figure.
func resident(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("resident memory can be read on Linux only: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return 0, fmt.Errorf("process %d shows no VmRSS", pid)
}
