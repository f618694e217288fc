package httpserver

import (
	"context"
	"maps"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/yourorg/platform/internal/ratelimit"
	"github.com/yourorg/platform/internal/terms"
	"github.com/yourorg/platform/pkg/auth"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/tenant"
	pkgterms "github.com/yourorg/platform/pkg/terms"
)

// Terms are what the server asks about a tenant. An answer takes some 50 ns, so nobody carries it through the request.
type Terms interface {
	// Of returns what counts for a tenant.
	Of(ctx context.Context, id tenant.ID) (*terms.Terms, error)

	// Check returns nil when the tenant in ctx is entitled to a feature.
	Check(ctx context.Context, n entitlement.Name) error
}

// paced holds a request against the rates of its tenant and its API key, and tells what is left of them, whatever the answer
// will be. Callers who stay unknown, as some operations let them, have passed throttled.
func (s *Server) paced(c *gin.Context) {
	ctx := c.Request.Context()
	id, in := tenant.FromContext(ctx)
	who, known := auth.FromContext(ctx)
	if !in || !known {
		c.Next()
		return
	}
	t, err := s.terms.Of(ctx, id)
	if err != nil { // nobody gets through because of it
		s.turnAway(c, err)
		return
	}
	asks := ratelimit.Caller{Tenant: id, Rate: t.Rate, KeyRate: t.KeyRate}
	if who.Key != nil {
		asks.Key = who.Key.ID
	}
	d, err := s.rates.Take(ctx, &asks)
	announce(c, s.pledges.of(pledge{d.Rate, d.KeyRate}), left(&d))
	if err == nil {
		err = d.Err()
	}
	if err != nil {
		if d.Refused != "" {
			s.denials.Denied(ctx, "rate", d.Refused)
		}
		s.turnAway(c, err)
		return
	}
	c.Next()
}

// In Go's spelling: structured fields of draft-ietf-httpapi-ratelimit-headers-10. A policy says how many requests may come at
// once (q), and after how many seconds as many may come again (w). A limit says how many may come now (r), and after how many
// seconds that is more (t).
const (
	policyHeader = "Ratelimit-Policy"
	limitHeader  = "Ratelimit"
)

// announce adds to the headers of the answer, also of the one that the timer gives instead of the handler. Of nothing there
// is no header.
func announce(c *gin.Context, policy, limit []string) {
	h := c.Writer.Header()
	add(h, policyHeader, policy)
	add(h, limitHeader, limit)
	answerOf(c).pledge(h[policyHeader], h[limitHeader])
}

// add never writes to values, which other requests may share: their slice is full, so that append copies it.
func add(h http.Header, name string, values []string) {
	switch before := h[name]; {
	case len(values) == 0:
	case before == nil:
		h[name] = values
	default:
		h[name] = append(before, values...)
	}
}

// pledge keeps the headers for overdue. Both are only ever replaced, never written to.
func (a *answer) pledge(policy, limit []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.policy, a.limit = policy, limit
}

// left is the value of the limit header.
func left(d *ratelimit.Decision) []string {
	if !d.Counted {
		return nil
	}
	var room [64]byte
	text := appendLimit(room[:0], "tenant", d.Tenant)
	if d.KeyRate.PerSecond > 0 {
		text = appendLimit(append(text, ", "...), "key", d.Key)
	}
	return []string{string(text)}
}

func appendLimit(b []byte, name string, s ratelimit.Standing) []byte {
	b = append(append(append(b, '"'), name...), `";r=`...)
	b = strconv.AppendInt(b, int64(s.Remaining), 10)
	return strconv.AppendInt(append(b, ";t="...), int64(seconds(s.Next)), 10)
}

func appendPolicy(b []byte, name string, quota int, window time.Duration) []byte {
	b = append(append(append(b, '"'), name...), `";q=`...)
	b = strconv.AppendInt(b, int64(quota), 10)
	return strconv.AppendInt(append(b, ";w="...), int64(max(seconds(window), 1)), 10)
}

// seconds are whole ones: who waits for so long has waited long enough.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// pledge is what a caller is promised.
type pledge struct{ tenant, key pkgterms.Rate }

// pledges keep the policy headers: there are few different ones, and nearly all requests need the same.
type pledges struct {
	mu   sync.Mutex
	said atomic.Pointer[map[pledge][]string]
}

// mostPledges bounds them. An operator may choose other rates for every tenant: those beyond are put together each time, which
// takes 0.1 µs and no lock.
const mostPledges = 1000

func (p *pledges) of(what pledge) []string {
	said := p.said.Load()
	if said != nil {
		if value, known := (*said)[what]; known {
			return value
		}
	}
	value := []string{what.header()}
	if said == nil || len(*said) < mostPledges {
		p.keep(what, value)
	}
	return value
}

// keep copies what is kept, so that nobody who reads it needs a lock.
func (p *pledges) keep(what pledge, value []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[pledge][]string{what: value}
	if said := p.said.Load(); said != nil {
		if len(*said) >= mostPledges { // others were faster
			return
		}
		maps.Copy(next, *said)
	}
	p.said.Store(&next)
}

func (p pledge) header() string {
	text := appendPolicy(nil, "tenant", p.tenant.Burst, window(p.tenant))
	if p.key.PerSecond > 0 {
		text = appendPolicy(append(text, ", "...), "key", p.key.Burst, window(p.key))
	}
	return string(text)
}

// window is how long it takes until a burst is possible again.
func window(r pkgterms.Rate) time.Duration {
	return time.Duration(r.Burst) * (time.Second / time.Duration(r.PerSecond))
}
