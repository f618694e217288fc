package authz

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/yourorg/platform/pkg/perm"
)

// grants is what the users of one tenant hold. It never changes: a change of the rules makes a new one. It has few
// pointers, so that thousands of tenants cost the garbage collector little.
type grants struct {
	users map[uuid.UUID]int // where the user's set begins in sets
	sets  bitset            // the distinct sets, one after the other

	// conditional is what a set does not have and a condition can give: by the place of the set and the permission.
	// One of the conditions is enough.
	conditional map[place][]perm.Condition
}

type place struct{ set, permission int }

// allows reads only; any number of goroutines may call it. It answers for what is held without a condition.
func (g *grants) allows(user uuid.UUID, permission int) bool {
	at, ok := g.users[user]
	return ok && g.sets[at:].has(permission)
}

// conditions are those under which user holds a permission that allows denies.
func (g *grants) conditions(user uuid.UUID, permission int) []perm.Condition {
	at, ok := g.users[user]
	if !ok || g.conditional == nil {
		return nil
	}
	return g.conditional[place{at, permission}]
}

// holding is what a role or a user holds.
type holding struct {
	always bitset
	when   map[int][]string // the conditions by permission, each once
}

func (v *vocabulary) newHolding() *holding { return &holding{always: v.newBitset()} }

// add grants a permission, under a condition when there is one.
func (h *holding) add(permission int, when string) {
	if when == "" {
		h.always.add(permission)
		return
	}
	if h.when == nil {
		h.when = map[int][]string{}
	}
	if !slices.Contains(h.when[permission], when) {
		h.when[permission] = append(h.when[permission], when)
	}
}

func (h *holding) addAll(other *holding) {
	h.always.addAll(other.always)
	for permission, conditions := range other.when {
		for _, when := range conditions {
			h.add(permission, when)
		}
	}
}

// key is the same for two holdings that are. Conditions of what is held anyway are dropped.
func (h *holding) key(b []byte) []byte {
	for _, word := range h.always {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	for _, permission := range slices.Sorted(maps.Keys(h.when)) {
		if h.always.has(permission) {
			delete(h.when, permission)
			continue
		}
		slices.Sort(h.when[permission])
		b = binary.LittleEndian.AppendUint64(b, uint64(permission))
		for _, when := range h.when[permission] {
			b = append(append(b, when...), 0)
		}
		b = append(b, 0)
	}
	return b
}

// roles works out what each role holds. All rules must be of one tenant.
func (v *vocabulary) roles(rules []rule) map[string]*holding {
	roles := map[string]*holding{}
	for _, r := range rules {
		if r.ptype != permissionRule {
			continue
		}
		role, ok := roles[r.role]
		if !ok {
			role = v.newHolding()
			roles[r.role] = role
		}
		if r.when == "" {
			v.expand(role.always, r.pattern)
			continue
		}
		for _, permission := range v.reach(r.pattern) {
			role.add(permission, r.when)
		}
	}
	maps.Copy(roles, v.builtIn)
	return roles
}

// compile works out the union of each user's roles. All rules must be of one tenant. A role that is neither built in
// nor has rules of its own holds nothing.
func compile(v *vocabulary, rules []rule) *grants {
	roles := v.roles(rules)
	held := make(map[uuid.UUID]*holding, len(rules)/2)
	for _, r := range rules {
		role, known := roles[r.role]
		if r.ptype != grantRule || !known {
			continue
		}
		user, ok := held[r.user]
		if !ok {
			user = v.newHolding()
			held[r.user] = user
		}
		user.addAll(role)
	}
	return pack(held)
}

// pack keeps one copy of each distinct holding: the users of a tenant differ in few ways.
func pack(held map[uuid.UUID]*holding) *grants {
	g := &grants{users: make(map[uuid.UUID]int, len(held))}
	places := map[string]int{}
	var key []byte
	for user, h := range held {
		key = h.key(key[:0])
		at, ok := places[string(key)]
		if !ok {
			at = len(g.sets)
			places[string(key)] = at
			g.sets = append(g.sets, h.always...)
			g.keep(at, h)
		}
		g.users[user] = at
	}
	return g
}

// keep parses the conditions of the set at. What a rule holds was parsed before.
func (g *grants) keep(at int, h *holding) {
	for permission, conditions := range h.when {
		if g.conditional == nil {
			g.conditional = map[place][]perm.Condition{}
		}
		for _, when := range conditions {
			if c, err := perm.ParseCondition(when); err == nil {
				g.conditional[place{at, permission}] = append(g.conditional[place{at, permission}], c)
			}
		}
	}
}
