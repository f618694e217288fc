package config

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
)

// Live is a section whose values may change while the process runs: those of the fields tagged reload:"true". The others
// stay what they were at the start. It may be used by several goroutines.
type Live[T Validator] struct {
	section string
	now     atomic.Pointer[T]

	mu        sync.Mutex
	followers []func(now T)
}

// NewLive returns the section with the values of the start.
func NewLive[T Validator](section string, now T) *Live[T] {
	l := &Live[T]{section: section}
	l.now.Store(&now)
	return l
}

// Get returns the values as they are now. Use one answer for one piece of work: the next may differ.
func (l *Live[T]) Get() T { return *l.now.Load() }

// Follow has fn called with the values after every change, one call at a time. It must be quick and cannot refuse:
// whatever Validate accepts has to work.
func (l *Live[T]) Follow(fn func(now T)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.followers = append(l.followers, fn)
}

// Prepare reads the section without changing anything. What it returns makes those values count.
func (l *Live[T]) Prepare(src Provider) (apply func(), err error) {
	next := l.Get()
	if err := src.Unmarshal(l.section, &next); err != nil {
		return nil, fmt.Errorf("config %s: %w", l.section, err)
	}
	return func() { l.set(next) }, nil
}

func (l *Live[T]) set(next T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reflect.DeepEqual(l.Get(), next) {
		return
	}
	l.now.Store(&next)
	for _, tell := range l.followers {
		tell(next)
	}
}

// Reloadable is a Live of any section. Preparing all of them before one is applied makes a reload whole: all or nothing.
type Reloadable interface {
	Prepare(src Provider) (apply func(), err error)
}
