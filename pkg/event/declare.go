package event

import (
	"encoding/json"
	"fmt"
)

// Declaration says that a topic exists. Modules contribute it with module.Events, for the events in their api package.
type Declaration struct {
	Topic   string
	Version int

	upcasts map[int]func(json.RawMessage) (json.RawMessage, error)
}

// Upcast turns the payload of one version into that of the next.
type Upcast struct {
	From int
	To   func(data json.RawMessage) (json.RawMessage, error)
}

// Declare is the declaration of E, with what brings older payloads up to date: one Upcast for each version that may
// still be on its way or be replayed.
func Declare[E Event](upcasts ...Upcast) Declaration {
	var ev E
	d := Declaration{Topic: ev.Topic(), Version: ev.Version(), upcasts: map[int]func(json.RawMessage) (json.RawMessage, error){}}
	for _, u := range upcasts {
		d.upcasts[u.From] = u.To
	}
	return d
}

// Current brings e up to the declared version, in a copy when it is older. What cannot be done is ErrVersion: permanent
// for an older version, and for a newer one not, because a replica that knows it may be about to take over.
func (d Declaration) Current(e *Envelope) (*Envelope, error) {
	if e.Version == d.Version {
		return e, nil
	}
	if e.Version > d.Version {
		return nil, ErrVersion.Wrap(fmt.Errorf("%s has version %d, and this replica knows only %d", e.Topic, e.Version, d.Version))
	}
	current := *e
	for current.Version < d.Version {
		up := d.upcasts[current.Version]
		if up == nil {
			return nil, Permanent(ErrVersion.Wrap(fmt.Errorf("nothing turns version %d of %s into version %d", current.Version, e.Topic, current.Version+1)))
		}
		data, err := up(current.Data)
		if err != nil {
			return nil, Permanent(ErrPayload.Wrap(fmt.Errorf("bring version %d of %s up to date: %w", current.Version, e.Topic, err)))
		}
		current.Version, current.Data = current.Version+1, data
	}
	return &current, nil
}
