package quota

import (
	"maps"
	"slices"

	"github.com/yourorg/platform/pkg/quota"
)

// states are sorted by unit, and then from the shortest window on. What no module declares any more is left out, and so are
// requests without a limit, which nobody counts.
func (q *Quotas) states(a account, used map[quota.Unit]row) []quota.State {
	var all []quota.State
	for _, u := range slices.Sorted(maps.Keys(q.units)) {
		if u == quota.Requests && !slices.ContainsFunc(a.limits, func(l quota.Limit) bool { return l.Unit == u }) {
			continue
		}
		r := used[u].at(a.at)
		for i, w := range windows {
			s := quota.State{Unit: u, Window: w, Used: r[i].used}
			if at := slices.IndexFunc(a.limits, func(l quota.Limit) bool { return l.Unit == u && l.Window == w }); at >= 0 {
				limit := a.limits[at]
				s.Limit = &limit
			} else if w != quota.Lifetime {
				continue
			}
			if w != quota.Lifetime {
				s.Resets = r.ends(i, a.zone)
			}
			all = append(all, s)
		}
	}
	return all
}
