package config_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/config"
)

// twins are always the same.
type twins struct{ A, B int }

func (twins) Validate() error { return nil }

// saying is a configuration of twins.
type saying int

func (saying) Get(string) (any, bool) { return nil, false }

func (s saying) Unmarshal(_ string, into any) error {
	if s < 0 {
		return errors.New("unreadable")
	}
	*into.(*twins) = twins{int(s), int(s)}
	return nil
}

func TestNobodySeesHalfAChange(t *testing.T) {
	t.Parallel()
	live := config.NewLive("twins", twins{})
	var told []int
	live.Follow(func(now twins) { told = append(told, now.A) }) // one call at a time
	over := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					if now := live.Get(); now.A != now.B {
						panic("half a change")
					}
				}
			}
		})
	}
	for n := range 4 {
		writers.Go(func() {
			for i := range 250 {
				apply, err := live.Prepare(saying(1 + n*250 + i))
				if err == nil {
					apply()
				}
			}
		})
	}
	writers.Wait()
	close(over)
	readers.Wait()
	require.Len(t, told, 1000)
	require.Equal(t, told[999], live.Get().A, "the last one counts")
	_, err := live.Prepare(saying(-1))
	require.EqualError(t, err, "config twins: unreadable")
}
