package jobs

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/yourorg/platform/internal/catalog"
	"github.com/yourorg/platform/pkg/entitlement"
	"github.com/yourorg/platform/pkg/job"
	"github.com/yourorg/platform/pkg/module"
)

var kindName = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$`)

const maxName = 100

// Kinds are the jobs that can be done. Nothing can be enqueued before Bind: workers may enqueue themselves, so they are
// made later.
type Kinds struct{ handlers map[string]job.Handler }

// Bind says who does what, before the first job. Two handlers of one kind are an error, and so is one that asks for a feature
// that no module declares.
func (k *Kinds) Bind(workers []job.Worker, declared []entitlement.Definition) error {
	k.handlers = map[string]job.Handler{}
	var errs []error
	for _, w := range workers {
		for _, h := range w.Handlers() {
			_, twice := k.handlers[h.Kind]
			switch {
			case twice:
				errs = append(errs, fmt.Errorf("two handlers do jobs of the kind %s", h.Kind))
			case len(h.Kind) > maxName || !kindName.MatchString(h.Kind):
				errs = append(errs, fmt.Errorf("the kind %q is not called <module>.<order>", h.Kind))
			case h.Version < 1:
				errs = append(errs, fmt.Errorf("the kind %s has the version %d: the first one is 1", h.Kind, h.Version))
			case h.Do == nil:
				errs = append(errs, fmt.Errorf("the kind %s has no handler", h.Kind))
			case h.Entitlement != "" && !slices.ContainsFunc(declared, func(d entitlement.Definition) bool { return d.Name == h.Entitlement }):
				errs = append(errs, fmt.Errorf("the kind %s asks for the entitlement %q, which no module declares", h.Kind, h.Entitlement))
			}
			k.handlers[h.Kind] = h
		}
	}
	return errors.Join(errs...)
}

func (k *Kinds) bound() bool { return k.handlers != nil }

// errNotHere is why a replica cannot do a job that another one may know.
var errNotHere = errors.New("this replica cannot do it yet")

// current finds the handler of a job and brings its arguments up to the handler's version. An error that is errNotHere
// says that a newer replica could do it.
func (k *Kinds) current(j *job.Job) (job.Handler, error) {
	h, known := k.handlers[j.Kind]
	switch {
	case !known:
		return h, fmt.Errorf("%w: no enabled module does jobs of the kind %s", errNotHere, j.Kind)
	case j.Version > h.Version:
		return h, fmt.Errorf("%w: the job has version %d, %d is known", errNotHere, j.Version, h.Version)
	}
	for j.Version < h.Version {
		up, found := upcast(h, j.Version)
		if !found {
			return h, job.Permanent(job.ErrVersion.Wrap(fmt.Errorf("the job has version %d, and nothing turns it into %d", j.Version, h.Version)))
		}
		args, err := up(j.Args)
		if err != nil {
			return h, job.Permanent(job.ErrPayload.Wrap(fmt.Errorf("turn version %d into %d: %w", j.Version, j.Version+1, err)))
		}
		j.Args, j.Version = args, j.Version+1
	}
	if !json.Valid(j.Args) {
		return h, job.Permanent(job.ErrPayload.Wrap(errors.New("the arguments are no JSON")))
	}
	return h, nil
}

func upcast(h job.Handler, from int) (func(json.RawMessage) (json.RawMessage, error), bool) {
	for _, u := range h.Upcasts {
		if u.From == from && u.To != nil {
			return u.To, true
		}
	}
	return nil, false
}

// Bound is asked for by every root whose process may enqueue jobs: it is known then who does them. It is not known to the
// enqueuer itself, which workers may ask for.
type Bound struct{}

func bind(k *Kinds, w module.JobWorkers, c *catalog.Catalog) (Bound, error) {
	return Bound{}, k.Bind(w.All, c.Entitlements())
}
