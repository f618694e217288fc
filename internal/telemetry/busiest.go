package telemetry

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	term     = time.Minute // between two elections
	lead     = 2           // a tenant takes another one's seat with more than so many times its requests
	everEach = 10          // tenants that get a seat while the process lives, for each seat there is
	watched  = 10          // tenants without a seat whose requests are counted, for each seat there is
)

// Busiest counts the requests of the busiest tenants, each by itself, and those of all the others together. Who they are is
// elected once a minute. A tenant's own counter begins with its election, and everything before, and after it has lost its
// seat, counts for the others: so no counter ever falls, and all of them together are all requests of tenants.
//
// The number of series is bounded. There are as many as seats, and one more. In an election one tenant at most takes another
// one's seat, and has to have more than twice its requests. And no more than ten tenants for each seat ever get one while the
// process lives; after that a seat goes to those alone who have had one. A nil Busiest counts nothing.
type Busiest struct {
	seats  int
	desc   *prometheus.Desc
	seated atomic.Pointer[map[uuid.UUID]*seat] // replaced as a whole, so that counting needs no lock
	others atomic.Int64
	ends   atomic.Int64 // of the term, in nanoseconds of Unix

	mu      sync.Mutex
	ever    map[uuid.UUID]*seat // all that have had one
	waiting map[uuid.UUID]int64 // requests of this term, never overstated: Misra and Gries, 1982
}

// seat is the counter of one tenant.
type seat struct {
	total atomic.Int64
	term  atomic.Int64 // of it, in this term
}

// NewBusiest counts so many tenants by themselves. It is nil for none.
func NewBusiest(seats int) *Busiest {
	if seats == 0 {
		return nil
	}
	b := &Busiest{
		seats: seats, ever: map[uuid.UUID]*seat{}, waiting: map[uuid.UUID]int64{},
		desc: prometheus.NewDesc("platform_tenant_requests_total", `Requests of the busiest tenants, and of all the "other" ones together.`, []string{"tenant"}, nil),
	}
	b.seated.Store(&map[uuid.UUID]*seat{})
	return b
}

// Count counts a request of a tenant that was answered now.
func (b *Busiest) Count(tenant uuid.UUID, now time.Time) {
	if b == nil {
		return
	}
	if ends := b.ends.Load(); now.UnixNano() >= ends {
		b.elect(now, ends)
	}
	if s := (*b.seated.Load())[tenant]; s != nil {
		s.total.Add(1)
		s.term.Add(1)
		return
	}
	b.others.Add(1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watch(tenant)
}

// watch counts one of those without a seat. When there is no room for another one, everybody loses one.
func (b *Busiest) watch(tenant uuid.UUID) {
	if _, known := b.waiting[tenant]; known || len(b.waiting) < watched*b.seats {
		b.waiting[tenant]++
		return
	}
	for id := range b.waiting {
		if b.waiting[id]--; b.waiting[id] == 0 {
			delete(b.waiting, id)
		}
	}
}

// elect ends a term, unless somebody else has.
func (b *Busiest) elect(now time.Time, ends int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ends.CompareAndSwap(ends, now.Add(term).UnixNano()) || ends == 0 {
		return
	}
	seated := map[uuid.UUID]*seat{}
	for id, s := range *b.seated.Load() {
		seated[id] = s
	}
	for _, challenger := range b.challengers() {
		if len(seated) < b.seats {
			seated[challenger] = b.seatOf(challenger)
			continue
		}
		if weakest := least(seated); b.waiting[challenger] > lead*seated[weakest].term.Load() {
			delete(seated, weakest)
			seated[challenger] = b.seatOf(challenger)
		}
		break
	}
	for _, s := range seated {
		s.term.Store(0)
	}
	clear(b.waiting)
	b.seated.Store(&seated)
}

// challengers are those who may get a seat, the busiest first.
func (b *Busiest) challengers() (all []uuid.UUID) {
	for id := range b.waiting {
		all = append(all, id)
	}
	slices.SortFunc(all, func(x, y uuid.UUID) int {
		return cmp.Or(cmp.Compare(b.waiting[y], b.waiting[x]), bytes.Compare(x[:], y[:]))
	})
	room := b.seats*everEach - len(b.ever)
	return slices.DeleteFunc(all, func(id uuid.UUID) bool {
		if b.ever[id] != nil {
			return false
		}
		room--
		return room < 0
	})
}

// seatOf is the one that a tenant has had before, or a new one, with what it has won it by.
func (b *Busiest) seatOf(tenant uuid.UUID) *seat {
	s := b.ever[tenant]
	if s == nil {
		s = &seat{}
		b.ever[tenant] = s
	}
	s.term.Store(b.waiting[tenant])
	return s
}

func least(seated map[uuid.UUID]*seat) (found uuid.UUID) {
	lowest := int64(-1)
	for id, s := range seated {
		n := s.term.Load()
		if lowest < 0 || n < lowest || n == lowest && bytes.Compare(id[:], found[:]) > 0 {
			found, lowest = id, n
		}
	}
	return found
}

// Describe implements prometheus.Collector.
func (b *Busiest) Describe(ch chan<- *prometheus.Desc) {
	if b != nil {
		ch <- b.desc
	}
}

// Collect implements prometheus.Collector.
func (b *Busiest) Collect(ch chan<- prometheus.Metric) {
	if b == nil {
		return
	}
	for id, s := range *b.seated.Load() {
		ch <- prometheus.MustNewConstMetric(b.desc, prometheus.CounterValue, float64(s.total.Load()), id.String())
	}
	ch <- prometheus.MustNewConstMetric(b.desc, prometheus.CounterValue, float64(b.others.Load()), "other")
}
