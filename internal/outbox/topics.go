package outbox

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yourorg/platform/pkg/event"
)

var (
	topicName      = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}$`)
	subscriberName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,2}$`)
)

// maxName keeps topics and subscribers within what every broker accepts as a name.
const maxName = 100

// Topics are the events that exist and who subscribes to them.
type Topics struct {
	declared    map[string]event.Declaration
	subscribers map[string]*Subscriber
	names       []string // of the subscribers, sorted
}

// Subscriber is one that a module has contributed, with its topics.
type Subscriber struct {
	Name   string
	Topics []string // sorted
	on     map[string]event.Subscription
}

// NewTopics refuses two declarations of one topic, and names that no broker would accept. Nothing can be published
// before Bind: subscribers may publish themselves, so they are made later.
func NewTopics(declared []event.Declaration) (*Topics, error) {
	t := &Topics{declared: map[string]event.Declaration{}}
	var errs []error
	for _, d := range declared {
		_, twice := t.declared[d.Topic]
		switch {
		case twice:
			errs = append(errs, fmt.Errorf("the topic %s is declared twice", d.Topic))
		case len(d.Topic) > maxName || !topicName.MatchString(d.Topic):
			errs = append(errs, fmt.Errorf("the topic %q is not called <module>.<noun>.<past verb>", d.Topic))
		case d.Version < 1:
			errs = append(errs, fmt.Errorf("the topic %s has the version %d: the first one is 1", d.Topic, d.Version))
		}
		t.declared[d.Topic] = d
	}
	return t, errors.Join(errs...)
}

// Bind says who subscribes, before the first event is published. Two subscribers of one name are an error.
func (t *Topics) Bind(subscribers []event.Subscriber) error {
	t.subscribers = map[string]*Subscriber{}
	var errs []error
	for _, from := range subscribers {
		s, err := newSubscriber(from)
		if _, twice := t.subscribers[s.Name]; twice {
			err = errors.Join(err, fmt.Errorf("two subscribers are called %s", s.Name))
		}
		errs = append(errs, err)
		t.subscribers[s.Name] = s
		t.names = append(t.names, s.Name)
	}
	slices.Sort(t.names)
	return errors.Join(errs...)
}

func newSubscriber(from event.Subscriber) (*Subscriber, error) {
	s := &Subscriber{Name: from.Name(), on: map[string]event.Subscription{}}
	var errs []error
	if len(s.Name) > maxName || !subscriberName.MatchString(s.Name) {
		errs = append(errs, fmt.Errorf("the subscriber %q is not called <module>.<noun>", s.Name))
	}
	for _, on := range from.Subscriptions() {
		if _, twice := s.on[on.Topic]; twice {
			errs = append(errs, fmt.Errorf("%s subscribes to %s twice", s.Name, on.Topic))
		}
		s.on[on.Topic] = on
		s.Topics = append(s.Topics, on.Topic)
	}
	slices.SortFunc(s.Topics, strings.Compare)
	return s, errors.Join(errs...)
}

// Subscribers lists all of them by name.
func (t *Topics) Subscribers() []*Subscriber {
	all := make([]*Subscriber, len(t.names))
	for i, name := range t.names {
		all[i] = t.subscribers[name]
	}
	return all
}

// bound tells whether it is known who subscribes.
func (t *Topics) bound() bool { return t.subscribers != nil }

// of lists who subscribes to a topic.
func (t *Topics) of(topic string) []string {
	var names []string
	for _, name := range t.names {
		if _, on := t.subscribers[name].on[topic]; on {
			names = append(names, name)
		}
	}
	return names
}

// current brings e up to the version that a subscription reads.
func (t *Topics) current(on event.Subscription, e *event.Envelope) (*event.Envelope, error) {
	d, ok := t.declared[e.Topic]
	if !ok { // the module that declares it is disabled, what it published before is still there
		d = event.Declaration{Topic: on.Topic, Version: on.Version}
	}
	return d.Current(e)
}
