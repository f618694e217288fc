package quota

import (
	"slices"
	"time"

	"github.com/yourorg/platform/pkg/quota"
)

// maxUsed is where counters stop, so that they never overflow and JSON can show them exactly.
const maxUsed = int64(1)<<53 - 1

// maxWait is the longest that somebody is asked to wait, also for what does not end by itself.
const maxWait = 24 * time.Hour

// windows are in the order of everything that has one value for each.
var windows = quota.Windows()

// numbers say which windows are meant: see quota.Window.Number.
type numbers [4]int64

// row is what a tenant has used of a unit.
type row [5]count

// count is what was used in a window. told is the percentage that was announced in it, when the limit was toldOf.
type count struct{ number, used, told, toldOf int64 }

// numbersAt are the windows of a time.
func numbersAt(t time.Time, zone *time.Location) (n numbers) {
	for i := range n {
		n[i] = windows[i].Number(t, zone)
	}
	return n
}

func (r *row) numbers() (n numbers) {
	for i := range n {
		n[i] = r[i].number
	}
	return n
}

// at is the row as it is when the clock shows n: windows that have ended are empty. Those that begin later by the clock of
// another replica, or by this one's before it was set back, have begun.
func (r row) at(n numbers) row {
	for i, number := range n {
		if number > r[i].number {
			r[i] = count{number: number}
		}
	}
	return r
}

// ends is when window i of the row ends; zero for Lifetime.
func (r *row) ends(i int, zone *time.Location) time.Time {
	return windows[i].Starts(r[i].number+1, zone)
}

// index finds the window of a limit.
func index(l quota.Limit) int { return slices.Index(windows, l.Window) }

// room is how much more the hard limits allow.
func (r *row) room(limits []quota.Limit) int64 {
	room := quota.MaxAmount
	for _, l := range limits {
		if !l.Soft {
			room = min(room, max(l.Amount-r[index(l)].used, 0))
		}
	}
	return room
}

// full finds the limit that has no room for n for the longest: with less than that there is no use in trying again. wait is
// at most maxWait.
func (r *row) full(limits []quota.Limit, n int64, now time.Time, zone *time.Location) (which quota.Limit, wait time.Duration) {
	for _, l := range limits {
		i := index(l)
		if l.Soft || n <= l.Amount-r[i].used {
			continue
		}
		ends := maxWait
		if l.Window != quota.Lifetime {
			ends = min(r.ends(i, zone).Sub(now), maxWait)
		}
		if ends >= wait {
			which, wait = l, ends
		}
	}
	return which, wait
}
