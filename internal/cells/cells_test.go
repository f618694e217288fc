package cells

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWhatComesBackIsNotForgotten(t *testing.T) {
	t.Parallel()
	c := New[uint64](3)
	for _, key := range []uint64{1, 2, 3, 1, 4} {
		*c.At(c.Use(key)) = time.Duration(key)
	}
	require.Equal(t, 3, c.Len())
	_, known := c.Find(2)
	require.False(t, known)
	for _, key := range []uint64{1, 3, 4} {
		require.Equal(t, time.Duration(key), *c.At(c.Use(key)))
	}
	require.Zero(t, *c.At(c.Use(5)))
	_, known = c.Find(1)
	require.False(t, known)
}

// The cells do what a list of keys would do that is searched from one end to the other.
func TestCellsAgreeWithAList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 6).Draw(t, "most")
		c := New[int](most)
		var list []int // the newest last
		values := map[int]time.Duration{}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "step") == 0 {
				most = rapid.IntRange(1, 6).Draw(t, "new most")
				c.Limit(most)
			} else {
				key := rapid.IntRange(0, 8).Draw(t, "key")
				known := slices.Index(list, key)
				if known >= 0 {
					list = slices.Delete(list, known, known+1)
				} else {
					delete(values, key)
				}
				list = append(list, key)
				place := c.Use(key)
				if got := *c.At(place); got != values[key] {
					t.Fatalf("key %d has %d, want %d", key, got, values[key])
				}
				values[key] = time.Duration(i + 1)
				*c.At(place) = values[key]
			}
			if gone := len(list) - most; gone > 0 {
				list = slices.Delete(list, 0, gone)
			}
			if c.Len() != len(list) {
				t.Fatalf("%d keys, want %v", c.Len(), list)
			}
			for _, key := range list {
				place, known := c.Find(key)
				if !known || *c.At(place) != values[key] {
					t.Fatalf("key %d of %v is lost", key, list)
				}
			}
		}
	})
}
