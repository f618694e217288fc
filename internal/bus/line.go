package bus

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/yourorg/platform/pkg/event"
)

// line is what has come of a topic for a subscriber and is not acknowledged. The carrier bounds how much that is. What
// has one key is worked on by one worker at a time, in the order in which it came, and holds up nothing else.
type line struct {
	mu      sync.Mutex
	waiting []*arrival      // the oldest first
	keys    map[string]*key // those that are in the line
	wake    chan struct{}
	workers int
}

// arrival is a message with its event.
type arrival struct {
	message *message.Message
	event   *event.Envelope
	key     *key // its own where no order is demanded
	over    bool
}

// key is what has to stay in order.
type key struct {
	name   string
	left   int // how many of it are in the line
	taken  bool
	asleep time.Time     // until when it rests
	early  time.Time     // since when the first of it has been too early; zero when it has not
	pause  time.Duration // of the last rest because of that
}

func newLine(workers int) *line {
	return &line{keys: map[string]*key{}, wake: make(chan struct{}, workers), workers: workers}
}

// add puts what has come at the end.
func (l *line) add(m *message.Message, e *event.Envelope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &arrival{message: m, event: e, key: &key{}}
	if e.Key != "" {
		a.key.name = e.Tenant.String() + "/" + e.Key
		if known := l.keys[a.key.name]; known != nil {
			a.key = known
		}
		l.keys[a.key.name] = a.key
	}
	a.key.left++
	l.waiting = append(l.waiting, a)
	l.poke()
}

// take returns what may be handled together: of one tenant, in order, no more than atOnce, and no more than leaves the
// other workers their share. When there is nothing it returns when to look again, if not before something has woken it.
func (l *line) take(atOnce int) (batch []*arrival, in time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	in = again
	var free []*arrival
	for _, a := range l.waiting {
		switch k := a.key; {
		case k.taken:
		case k.asleep.After(now):
			in = min(in, k.asleep.Sub(now))
		default:
			free = append(free, a)
		}
	}
	atOnce = min(atOnce, (len(free)+l.workers-1)/l.workers)
	for _, a := range free {
		if len(batch) < atOnce && a.event.Tenant == free[0].event.Tenant {
			batch = append(batch, a)
		}
	}
	for _, a := range batch {
		a.key.taken = true
	}
	if len(batch) < len(free) {
		l.poke()
	}
	return batch, in
}

// done gives a batch back, but for the first n of it, which are over.
func (l *line) done(batch []*arrival, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, a := range batch {
		a.over, a.key.taken = i < n, false
		if a.over {
			if a.key.left--; a.key.left == 0 {
				delete(l.keys, a.key.name)
			}
		}
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(a *arrival) bool { return a.over })
	l.poke()
}

// punctual notes that the events came in order.
func (l *line) punctual(events []*arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range events {
		a.key.early, a.key.pause = time.Time{}, 0
	}
}

// rest lets the key of a rest: the others go on.
func (l *line) rest(a *arrival, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.key.asleep = time.Now().Add(d)
}

// tooEarly lets the key of a rest, and those go first that are older and have come since: a carrier may mix them up when
// it delivers again. It returns false once that has gone on for too long.
func (l *line) tooEarly(a *arrival) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, k := time.Now(), a.key
	if k.early.IsZero() {
		k.early = now
	}
	if now.Sub(k.early) > patience {
		return false
	}
	at := slices.Index(l.waiting, a)
	for i := len(l.waiting) - 1; i > at; i-- {
		if b := l.waiting[i]; b.key == k && bytes.Compare(b.event.ID[:], a.event.ID[:]) < 0 {
			l.waiting = slices.Delete(slices.Insert(l.waiting, i+1, a), at, at+1)
			break
		}
	}
	k.pause = min(max(2*k.pause, firstPause), longestPause)
	k.asleep = now.Add(k.pause)
	return true
}

// poke wakes a worker that has nothing to do.
func (l *line) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
