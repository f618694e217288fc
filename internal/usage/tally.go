package usage

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/tenant"
)

const (
	shards    = 64        // a power of two
	mostUnits = 100       // of one tenant; module.yaml declares them, so that there are few
	most      = 1<<53 - 1 // where sums stop: JSON shows no larger number exactly
)

// slot is a tenant and the beginning of an hour or a day, in seconds since 1970.
type slot struct {
	tenant tenant.ID
	begins int64
}

func (s slot) compare(o slot) int {
	return cmp.Or(bytes.Compare(s.tenant[:], o.tenant[:]), cmp.Compare(s.begins, o.begins))
}

// tally is what was counted in a slot.
type tally struct {
	requests, clientErrors, serverErrors int64
	bytesIn, bytesOut                    int64
	took                                 int64 // µs
	latency                              [buckets]int64
	units                                map[quota.Unit]int64
}

// plus is a sum that stops at most.
func plus(a, b int64) int64 { return min(a+min(b, most), most) }

func (t *tally) add(o *tally) {
	t.requests, t.clientErrors, t.serverErrors = plus(t.requests, o.requests), plus(t.clientErrors, o.clientErrors), plus(t.serverErrors, o.serverErrors)
	t.bytesIn, t.bytesOut, t.took = plus(t.bytesIn, o.bytesIn), plus(t.bytesOut, o.bytesOut), plus(t.took, o.took)
	for i, n := range o.latency {
		t.latency[i] = plus(t.latency[i], n)
	}
	for u, n := range o.units {
		t.consume(u, n)
	}
}

// consume tells whether it is a unit and there was room for it.
func (t *tally) consume(u quota.Unit, n int64) bool {
	before, known := t.units[u]
	if !known && (len(t.units) >= mostUnits || !u.Valid()) {
		return false
	}
	if t.units == nil {
		t.units = map[quota.Unit]int64{}
	}
	t.units[u] = plus(before, n)
	return true
}

// counts are those that are not zero, by name.
func (t *tally) counts() map[string]int64 {
	m := map[string]int64{}
	for i, n := range t.latency {
		if n > 0 {
			m[strconv.Itoa(i)] = n
		}
	}
	return m
}

// object writes a JSON object of names that need no escaping.
func object[K ~string](m map[K]int64) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + string(k) + `":` + strconv.FormatInt(m[k], 10))
	}
	b.WriteByte('}')
	return b.String()
}

// row is a tally that is to be written, or was read.
type row struct {
	slot
	*tally
}

// shard is a part of what is counted, so that requests of different tenants seldom wait for each other.
type shard struct {
	mu      sync.Mutex
	tallies map[slot]*tally
	_       [48]byte // so that no two are in one cache line
}

// shardOf goes by the random end of the id.
func shardOf(id tenant.ID) int { return int(id[15]) & (shards - 1) }
