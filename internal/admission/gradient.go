package admission

import "time"

// What gradient works with: the defaults of Netflix's concurrency-limits.
const (
	window     = time.Second // of the requests that are averaged for one step
	fewest     = 10          // requests in a window, or it says nothing
	memory     = 600         // windows in the long average
	tolerance  = 1.5         // how much slower than usual is no reason to shrink
	smoothing  = 0.2         // the part of a new limit that counts at once
	room       = 4           // what is added in each step while nothing gets slower
	unhurried  = 2           // a long average that is more than so many times too slow is forgotten sooner
	sixteenths = 16          // of the highest limit is the lowest
)

// gradient finds a limit from how long requests take: it compares the latest second with the long run, and shrinks in
// proportion when that is slower. It is Gradient2 of Netflix's concurrency-limits
// (github.com/Netflix/concurrency-limits, Gradient2Limit). Its user locks.
type gradient struct {
	lowest, highest float64
	limit           float64
	usual           float64 // seconds, the long average
	windows         int

	since time.Time
	sum   time.Duration
	count int
	most  int // at once in this window
}

func newGradient(highest int) *gradient {
	g := &gradient{}
	g.bound(highest)
	return g
}

// bound changes the highest limit, and returns the limit from now on. One that was never lowered stays the highest.
func (g *gradient) bound(highest int) int {
	if g.limit == g.highest {
		g.limit = float64(highest)
	}
	g.lowest, g.highest = max(float64(highest/sixteenths), 1), float64(highest)
	g.limit = min(max(g.limit, g.lowest), g.highest)
	return int(g.limit)
}

// observe takes a request that has ended, and how many were worked on meanwhile. It returns the limit from now on.
func (g *gradient) observe(now time.Time, took time.Duration, inside int) int {
	if g.since.IsZero() {
		g.since = now
	}
	g.sum, g.count, g.most = g.sum+took, g.count+1, max(g.most, inside)
	if now.Sub(g.since) >= window && g.count >= fewest {
		g.step((g.sum / time.Duration(g.count)).Seconds(), float64(g.most))
		g.since, g.sum, g.count, g.most = now, 0, 0, 0
	}
	return int(g.limit)
}

func (g *gradient) step(latest, most float64) {
	g.windows = min(g.windows+1, memory)
	g.usual += (latest - g.usual) * 2 / float64(g.windows+1)
	if latest <= 0 || g.usual <= 0 {
		return
	}
	if g.usual/latest > unhurried {
		g.usual *= 0.95
	}
	if most < g.limit/2 { // it was not the limit that made the difference
		return
	}
	slope := max(0.5, min(1, tolerance*g.usual/latest))
	wanted := g.limit*slope + room
	g.limit = min(max(g.limit*(1-smoothing)+wanted*smoothing, g.lowest), g.highest)
}
