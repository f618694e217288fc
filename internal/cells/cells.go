// Package cells keeps a time for each of the keys that were used last, and forgets the others.
package cells

import "time"

// Cells remember up to a number of keys in the order in which they were used last. All lie in one slice and are linked by
// their places in it: a million of them leave the garbage collector nothing to follow when the keys hold no pointers. They
// are not safe for concurrent use.
type Cells[K comparable] struct {
	max  int
	at   map[K]int32
	list []cell[K] // the first is no key's: it links the oldest with the newest
}

type cell[K comparable] struct {
	key          K
	value        time.Duration
	newer, older int32
}

// New returns cells that remember nothing yet, and up to most keys later, at least one.
func New[K comparable](most int) *Cells[K] {
	return &Cells[K]{max: max(most, 1), at: map[K]int32{}, list: make([]cell[K], 1)}
}

// Use makes a key the newest and returns its place, which is good until another key is used that takes the place of the
// oldest. The value of one that is not known is zero.
func (c *Cells[K]) Use(key K) (place int32) {
	i, known := c.at[key]
	switch {
	case known:
		c.unlink(i)
	case len(c.list) <= c.max:
		i = int32(len(c.list)) // at most max
		c.list = append(c.list, cell[K]{key: key})
		c.at[key] = i
	default:
		i = c.list[0].newer // round from the newest to the oldest
		c.unlink(i)
		delete(c.at, c.list[i].key)
		c.list[i] = cell[K]{key: key}
		c.at[key] = i
	}
	newest := c.list[0].older
	c.list[i].older, c.list[i].newer = newest, 0
	c.list[newest].newer, c.list[0].older = i, i
	return i
}

// At is the value at a place. It must not be used after the next call of Use or Limit.
func (c *Cells[K]) At(place int32) *time.Duration { return &c.list[place].value }

// Find returns the place of a key without using it.
func (c *Cells[K]) Find(key K) (place int32, known bool) {
	place, known = c.at[key]
	return place, known
}

// Len is how many keys are remembered.
func (c *Cells[K]) Len() int { return len(c.at) }

// Limit changes how many keys are remembered, at least one. Of more, the oldest are forgotten.
func (c *Cells[K]) Limit(most int) {
	c.max = max(most, 1)
	for c.Len() > c.max {
		c.remove(c.list[0].newer)
	}
}

// Cap lowers the values that are higher than most to it.
func (c *Cells[K]) Cap(most time.Duration) {
	for i := range c.list[1:] {
		c.list[1+i].value = min(c.list[1+i].value, most)
	}
}

// remove fills the gap with the last of the slice.
func (c *Cells[K]) remove(i int32) {
	c.unlink(i)
	delete(c.at, c.list[i].key)
	last := int32(len(c.list) - 1)
	if i != last {
		moved := c.list[last]
		c.list[i] = moved
		c.list[moved.older].newer, c.list[moved.newer].older = i, i
		c.at[moved.key] = i
	}
	c.list[last] = cell[K]{}
	c.list = c.list[:last]
}

func (c *Cells[K]) unlink(i int32) {
	gone := c.list[i]
	c.list[gone.older].newer, c.list[gone.newer].older = gone.newer, gone.older
}
