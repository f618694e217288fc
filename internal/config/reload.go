package config

import (
	"errors"
	"maps"
	"reflect"
)

// Changes are the keys that differ between two configurations, in alphabetical order.
type Changes struct {
	Applied []string // they have taken effect
	Waiting []string // they take effect at the next start
}

// Reload returns c with those values of next that may change while the process runs, and says which keys differ. Both were
// loaded with the same sections. The mixture is validated as a whole: it can be unfit although both of them are fit.
func (c *Config) Reload(next *Config) (*Config, Changes, error) {
	now := &Config{table: c.table, values: maps.Clone(c.values), origins: maps.Clone(c.origins), looked: next.looked}
	var changed Changes
	for _, name := range c.table.names {
		switch same := reflect.DeepEqual(c.values[name], next.values[name]); {
		case !same && !c.table.keys[name].reload:
			changed.Waiting = append(changed.Waiting, name)
			continue
		case !same:
			changed.Applied = append(changed.Applied, name)
		}
		now.values[name], now.origins[name] = next.values[name], next.origins[name]
	}
	r := reader{table: c.table}
	r.validate(now)
	if err := errors.Join(r.faults...); err != nil {
		return nil, Changes{}, err
	}
	return now, changed, nil
}
