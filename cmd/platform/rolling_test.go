package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestARollingRestartFailsNoRequest(t *testing.T) {
	t.Parallel()
	roll(t, 2)
}

// drainInterval is what load balancers need to notice: the one here asks every 50 ms, on a machine that may be busy.
const drainInterval = "1s"

// roll restarts two replicas on one database in turn, so often, under load that comes through a balancer. No request may
// fail, and none may be sent twice.
func roll(t *testing.T, times int) {
	t.Helper()
	here := newPlace(t).with("PLATFORM_LOG_LEVEL", "warn", "PLATFORM_HTTP_DRAIN_INTERVAL", drainInterval,
		"PLATFORM_BOOTSTRAP_ADMIN_EMAIL", operator, "PLATFORM_BOOTSTRAP_ADMIN_PASSWORD", operatorPassword)
	replicas := []*running{here.serve(t), here.serve(t)}
	token := replicas[0].register(t)
	b := newBalancer(t, replicas...)
	l := b.load(t, token)
	for n := range times {
		for i := range replicas {
			before := l.answered.Load()
			require.Zero(t, replicas[i].stop(t), "restart %d: %s", n, &replicas[i].log)
			replicas[i] = here.serve(t)
			b.replace(i, replicas[i])
			require.Eventually(t, func() bool { return b.ready(i) && l.answered.Load() > before+20 }, time.Minute, time.Millisecond, "restart %d", n)
		}
	}
	l.end()
	require.Zero(t, l.failed.Load(), "of %d requests, the first ones:\n%s", l.answered.Load(), strings.Join(l.failures, "\n"))
	t.Logf("%d restarts of 2 replicas: %d requests, none failed, the slowest took %s", times, l.answered.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond))
	replicas[0].wantKept(t, token, int(l.created.Load()))
	for _, r := range replicas {
		require.Zero(t, r.stop(t), &r.log)
	}
	here.intact(t)
}

// wantKept requires that there is a post for each one that was created.
func (r *running) wantKept(t *testing.T, token string, created int) {
	t.Helper()
	require.Len(t, items[post](t, r, token, "/api/v1/blog/posts?limit=200"), created)
}

// balancer sends requests to replicas in turn. It asks each of them whether it is ready every 50 ms, and sends nothing to
// those that are not. It keeps connections alive and tries nothing again.
type balancer struct {
	mu       sync.Mutex
	backends []*backend
	next     int
}

type backend struct {
	url    string
	ready  bool
	client *http.Client
	quit   context.CancelFunc
	ended  chan struct{}
}

func newBalancer(t *testing.T, replicas ...*running) *balancer {
	t.Helper()
	b := &balancer{backends: make([]*backend, len(replicas))}
	for i, r := range replicas {
		b.replace(i, r)
	}
	t.Cleanup(func() {
		for _, back := range b.backends {
			back.quit()
			<-back.ended
		}
	})
	return b
}

// replace puts a replica in the place of another.
func (b *balancer) replace(i int, r *running) {
	ctx, quit := context.WithCancel(context.Background())
	back := &backend{url: r.platformURL, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: 30 * time.Second}, quit: quit, ended: make(chan struct{})}
	b.mu.Lock()
	old := b.backends[i]
	b.backends[i] = back
	b.mu.Unlock()
	if old != nil {
		old.quit()
		<-old.ended
	}
	go b.examine(ctx, back)
}

func (b *balancer) examine(ctx context.Context, back *backend) {
	defer close(back.ended)
	defer back.client.CloseIdleConnections()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ready := false
		if request, err := http.NewRequestWithContext(ctx, http.MethodGet, back.url+"/ready", http.NoBody); err == nil {
			if response, err := back.client.Do(request); err == nil {
				_ = response.Body.Close()
				ready = response.StatusCode == http.StatusOK
			}
		}
		b.mu.Lock()
		back.ready = ready
		b.mu.Unlock()
		if !ready {
			back.client.CloseIdleConnections()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (b *balancer) ready(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.backends[i].ready
}

// pick returns the next replica that is ready, or nil.
func (b *balancer) pick() *backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.backends {
		b.next++
		if back := b.backends[b.next%len(b.backends)]; back.ready {
			return back
		}
	}
	return nil
}

// load is several clients, which read and write until it ends.
type load struct {
	balancer                           *balancer
	token                              string
	quit                               chan struct{}
	clients                            sync.WaitGroup
	answered, created, failed, slowest atomic.Int64

	mu       sync.Mutex
	failures []string // the first ten
}

func (b *balancer) load(t *testing.T, token string) *load {
	t.Helper()
	require.Eventually(t, func() bool { return b.ready(0) && b.ready(len(b.backends)-1) }, 30*time.Second, time.Millisecond)
	l := &load{balancer: b, token: token, quit: make(chan struct{})}
	for c := range 6 {
		l.clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.quit:
					return
				default:
				}
				l.ask(c, n)
			}
		})
	}
	return l
}

func (l *load) end() {
	close(l.quit)
	l.clients.Wait()
}

// ask writes every tenth time and reads otherwise.
func (l *load) ask(client, n int) {
	method, path, body, want := http.MethodGet, "/api/v1/me", []byte(nil), http.StatusOK
	if n%10 == 0 {
		method, path, want = http.MethodPost, "/api/v1/blog/posts", http.StatusCreated
		body = fmt.Appendf(nil, `{"title": "Client %d, post %d", "content": "text"}`, client, n)
	}
	begun := time.Now()
	status, err := l.send(method, path, body)
	took := int64(time.Since(begun))
	for slowest := l.slowest.Load(); took > slowest && !l.slowest.CompareAndSwap(slowest, took); slowest = l.slowest.Load() {
	}
	l.answered.Add(1)
	if status == http.StatusCreated {
		l.created.Add(1)
	}
	if (status != want || err != nil) && l.failed.Add(1) <= 10 {
		l.mu.Lock()
		l.failures = append(l.failures, fmt.Sprintf("%s %s: %d %v", method, path, status, err))
		l.mu.Unlock()
	}
}

// send fails when it has to be sent again, which net/http would do in silence.
func (l *load) send(method, path string, body []byte) (int, error) {
	back := l.balancer.pick()
	if back == nil {
		return 0, fmt.Errorf("no replica is ready")
	}
	connections := 0
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GetConn: func(string) { connections++ }})
	request, err := http.NewRequestWithContext(ctx, method, back.url+path, io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+l.token)
	if request.ContentLength = int64(len(body)); body == nil {
		request.Body = nil
	} else {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := back.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return response.StatusCode, err
	case connections > 1:
		return response.StatusCode, fmt.Errorf("it was sent %d times", connections)
	case response.StatusCode >= 400:
		return response.StatusCode, fmt.Errorf("%s", answer)
	}
	return response.StatusCode, nil
}
