package terms

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/policy"
	"github.com/yourorg/platform/pkg/problem"
	"github.com/yourorg/platform/pkg/quota"
	"github.com/yourorg/platform/pkg/terms"
)

// What terms can say at the most.
const (
	maxRate    = 1_000_000
	maxBurst   = 10_000_000
	maxQuotas  = 100
	maxNames   = 200
	maxValues  = 500
	maxValue   = 200 // characters
	maxTargets = 20
	maxWeight  = 1000
	maxText    = 500 // characters
)

// faults collects what is wrong with terms.
type faults []problem.Field

func (f *faults) add(field, code, format string, args ...any) {
	*f = append(*f, problem.Field{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return terms.ErrInvalid.With(f...)
}

// vocabulary is what modules declare. Terms can name nothing else.
type vocabulary struct {
	features map[entitlement.Name]struct{}
	units    map[quota.Unit]struct{}
	kinds    map[policy.Kind]bool // whether it is allowed by default
}

func newVocabulary(c Catalog) *vocabulary {
	v := &vocabulary{map[entitlement.Name]struct{}{}, map[quota.Unit]struct{}{}, map[policy.Kind]bool{}}
	for _, d := range c.Entitlements() {
		v.features[d.Name] = struct{}{}
	}
	for _, d := range c.Units() {
		v.units[d.Name] = struct{}{}
	}
	for _, d := range c.Policies() {
		v.kinds[d.Name] = d.Default == "allow"
	}
	return v
}

func (v *vocabulary) grant(f *faults, g terms.Grant) {
	v.rate(f, "rate", g.Rate)
	v.rate(f, "key_rate", g.KeyRate)
	v.quotas(f, g.Quotas)
	v.entitlements(f, "entitlements", g.Entitlements)
}

func (*vocabulary) rate(f *faults, at string, r *terms.Rate) {
	if r == nil {
		return
	}
	if r.PerSecond < 1 || r.PerSecond > maxRate {
		f.add(at+".per_second", "out_of_range", "must be between 1 and %d", maxRate)
	}
	if r.Burst < 1 || r.Burst > maxBurst {
		f.add(at+".burst", "out_of_range", "must be between 1 and %d", maxBurst)
	}
}

func (v *vocabulary) quotas(f *faults, limits []quota.Limit) {
	if len(limits) > maxQuotas {
		f.add("quotas", "too_many", "must be at most %d", maxQuotas)
		return
	}
	for i, l := range limits {
		at := fmt.Sprintf("quotas.%d", i)
		if _, known := v.units[l.Unit]; !known {
			f.add(at+".unit", "unknown", "is no unit that a module declares")
		}
		if !l.Window.Valid() {
			f.add(at+".window", "unknown", "must be minute, hour, day, month or lifetime")
		}
		if l.Amount < 0 || l.Amount > quota.MaxAmount {
			f.add(at+".amount", "out_of_range", "must be between 0 and %d", quota.MaxAmount)
		}
		if slices.ContainsFunc(limits[:i], func(o quota.Limit) bool { return o.Unit == l.Unit && o.Window == l.Window }) {
			f.add(at, "duplicate", "is there twice")
		}
	}
}

func (v *vocabulary) entitlements(f *faults, at string, names []entitlement.Name) {
	if len(names) > maxNames {
		f.add(at, "too_many", "must be at most %d", maxNames)
		return
	}
	for i, name := range names {
		if len(v.meant(name)) == 0 && name != "*" {
			f.add(fmt.Sprintf("%s.%d", at, i), "unknown", "is no entitlement that a module declares")
		} else if slices.Contains(names[:i], name) {
			f.add(fmt.Sprintf("%s.%d", at, i), "duplicate", "is there twice")
		}
	}
}

// meant lists what a name or a pattern, such as blog.* or *, stands for.
func (v *vocabulary) meant(name entitlement.Name) []entitlement.Name {
	if _, known := v.features[name]; known {
		return []entitlement.Name{name}
	}
	prefix, pattern := strings.CutSuffix(string(name), "*")
	if !pattern || prefix != "" && !strings.HasSuffix(prefix, ".") {
		return nil
	}
	var all []entitlement.Name
	for feature := range v.features {
		if strings.HasPrefix(string(feature), prefix) {
			all = append(all, feature)
		}
	}
	return all
}

func (v *vocabulary) policies(f *faults, p terms.Policies) {
	for _, kind := range slices.Sorted(maps.Keys(p.Allow)) {
		at := "allow." + string(kind)
		if v.unknown(f, at, kind) {
			continue
		}
		if len(p.Allow[kind]) > maxValues {
			f.add(at, "too_many", "must be at most %d", maxValues)
			continue
		}
		for i, value := range p.Allow[kind] {
			if !named(value) || strings.Contains(strings.TrimSuffix(value, "*"), "*") {
				f.add(fmt.Sprintf("%s.%d", at, i), "invalid", "must be 1 to %d characters, with an asterisk at the end only", maxValue)
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(p.Routing)) {
		if at := "routing." + string(kind); !v.unknown(f, at, kind) {
			routing(f, at, p.Routing[kind])
		}
	}
}

// unknown keeps what a caller has made up out of the answer when it is long.
func (v *vocabulary) unknown(f *faults, at string, kind policy.Kind) bool {
	if _, known := v.kinds[kind]; known {
		return false
	}
	if !kind.Valid() {
		at, _, _ = strings.Cut(at, ".")
	}
	f.add(at, "unknown", "is no kind that a module declares")
	return true
}

func routing(f *faults, at string, r policy.Routing) {
	if r.Strategy != policy.Weighted && r.Strategy != policy.Priority {
		f.add(at+".strategy", "unknown", "must be weighted or priority")
	}
	if len(r.Targets) < 1 || len(r.Targets) > maxTargets {
		f.add(at+".targets", "out_of_range", "must be 1 to %d", maxTargets)
		return
	}
	for i, t := range r.Targets {
		here := fmt.Sprintf("%s.targets.%d", at, i)
		if !named(t.Name) {
			f.add(here+".name", "invalid", "must be 1 to %d characters", maxValue)
		}
		if r.Strategy == policy.Weighted && (t.Weight < 1 || t.Weight > maxWeight) {
			f.add(here+".weight", "out_of_range", "must be between 1 and %d", maxWeight)
		}
		if r.Strategy == policy.Priority && t.Weight != 0 {
			f.add(here+".weight", "unexpected", "has no meaning here: targets are in their order")
		}
		if slices.ContainsFunc(r.Targets[:i], func(o policy.Target) bool { return o.Name == t.Name }) {
			f.add(here+".name", "duplicate", "is there twice")
		}
	}
}

func named(value string) bool {
	return value != "" && utf8.ValidString(value) && utf8.RuneCountInString(value) <= maxValue
}
