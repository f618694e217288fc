package authz

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// grants is what the users of one tenant hold. It never changes: a change of the rules makes a new one. It has few
// pointers, so that thousands of tenants cost the garbage collector little.
type grants struct {
	users map[uuid.UUID]int // where the user's set begins in sets
	sets  bitset            // the distinct sets, one after the other
}

// allows reads only; any number of goroutines may call it.
func (g *grants) allows(user uuid.UUID, permission int) bool {
	at, ok := g.users[user]
	return ok && g.sets[at:].has(permission)
}

// compile works out the union of each user's roles. All rules must be of one tenant. A role that is neither built in
// nor has rules of its own holds nothing.
func compile(v *vocabulary, rules []rule) *grants {
	roles := map[string]bitset{}
	users := 0
	for _, r := range rules {
		if r.ptype != permissionRule {
			users++
			continue
		}
		set, ok := roles[r.role]
		if !ok {
			set = v.newBitset()
			roles[r.role] = set
		}
		v.expand(set, r.pattern)
	}
	for role, set := range v.builtIn {
		roles[role] = set
	}
	held := make(map[uuid.UUID]bitset, users)
	for _, r := range rules {
		role, known := roles[r.role]
		if r.ptype != grantRule || !known {
			continue
		}
		set, ok := held[r.user]
		if !ok {
			set = v.newBitset()
			held[r.user] = set
		}
		set.addAll(role)
	}
	return pack(held)
}

// pack keeps one copy of each distinct set: the users of a tenant differ in few ways.
func pack(held map[uuid.UUID]bitset) *grants {
	g := &grants{users: make(map[uuid.UUID]int, len(held))}
	places := map[string]int{}
	var key []byte
	for user, set := range held {
		key = key[:0]
		for _, word := range set {
			key = binary.LittleEndian.AppendUint64(key, word)
		}
		at, ok := places[string(key)]
		if !ok {
			at = len(g.sets)
			places[string(key)] = at
			g.sets = append(g.sets, set...)
		}
		g.users[user] = at
	}
	return g
}
