package health_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/health"
	contract "github.com/yourorg/platform/pkg/health"
)

type check struct {
	name string
	do   func(ctx context.Context) (contract.Status, error)
}

func (c check) Name() string                                       { return c.name }
func (c check) Check(ctx context.Context) (contract.Status, error) { return c.do(ctx) }

func answer(name string, status contract.Status, err error) check {
	return check{name: name, do: func(context.Context) (contract.Status, error) { return status, err }}
}

func newRegistry(t *testing.T, checks ...contract.Check) *health.Registry {
	t.Helper()
	r, err := health.New(health.DefaultConfig(), checks...)
	require.NoError(t, err)
	return r
}

func TestTheWorstStatusWins(t *testing.T) {
	t.Parallel()
	sick := errors.New("sick")
	tests := map[string]struct {
		checks []contract.Check
		want   contract.Status
	}{
		"nothing to examine is healthy": {nil, contract.Healthy},
		"all healthy":                   {[]contract.Check{answer("a", contract.Healthy, nil), answer("b", contract.Healthy, nil)}, contract.Healthy},
		"one degraded":                  {[]contract.Check{answer("a", contract.Degraded, sick), answer("b", contract.Healthy, nil)}, contract.Degraded},
		"one unhealthy":                 {[]contract.Check{answer("a", contract.Unhealthy, sick), answer("b", contract.Degraded, sick)}, contract.Unhealthy},
		"an unknown status":             {[]contract.Check{answer("a", "fine", nil)}, contract.Unhealthy},
		"healthy with an error":         {[]contract.Check{answer("a", contract.Healthy, sick)}, contract.Unhealthy},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, newRegistry(t, test.checks...).Report().Status)
		})
	}
}

func TestResultsAreSortedAndSayWhy(t *testing.T) {
	t.Parallel()
	sick := errors.New("sick")
	r := newRegistry(t, answer("b", contract.Degraded, sick), answer("c", contract.Healthy, nil), answer("a", contract.Healthy, nil))
	checks := r.Report().Checks
	require.Len(t, checks, 3)
	require.Equal(t, []string{"a", "b", "c"}, []string{checks[0].Name, checks[1].Name, checks[2].Name})
	require.ErrorIs(t, checks[1].Err, sick)
	require.NoError(t, checks[0].Err)
}

func TestNewRefusesWhatCannotBeTold(t *testing.T) {
	t.Parallel()
	tests := map[string][]contract.Check{
		"two of one name":      {answer("database", contract.Healthy, nil), answer("database", contract.Healthy, nil)},
		"the server's own":     {answer("server", contract.Healthy, nil)},
		"a check with no name": {answer("", contract.Healthy, nil)},
	}
	for name, checks := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := health.New(health.DefaultConfig(), checks...)
			require.ErrorContains(t, err, checks[0].Name())
		})
	}
	_, err := health.New(health.Config{Timeout: 0, Cache: -1})
	require.ErrorContains(t, err, "timeout")
	require.ErrorContains(t, err, "cache")
}

func TestAPanicIsUnhealthy(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, check{name: "a", do: func(context.Context) (contract.Status, error) { panic("boom") }})
	report := r.Report()
	require.Equal(t, contract.Unhealthy, report.Status)
	require.ErrorContains(t, report.Checks[0].Err, "boom")
}

func TestChecksRunAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func(context.Context) (contract.Status, error) {
			time.Sleep(time.Second)
			return contract.Healthy, nil
		}
		r := newRegistry(t, check{"a", slow}, check{"b", slow}, check{"c", slow})
		begin := time.Now()
		report := r.Report()
		require.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, contract.Healthy, report.Status)
		require.Equal(t, time.Second, report.Checks[2].Duration)
	})
}

func TestACheckThatTakesTooLongIsUnhealthyAndNotCalledAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		release := make(chan struct{})
		r := newRegistry(t, answer("a", contract.Healthy, nil), check{"b", func(context.Context) (contract.Status, error) {
			calls.Add(1)
			<-release // deaf to its context
			return contract.Healthy, nil
		}})
		begin := time.Now()
		report := r.Report()
		require.Equal(t, 2*time.Second, time.Since(begin))
		require.Equal(t, contract.Unhealthy, report.Status)
		require.Equal(t, contract.Healthy, report.Checks[0].Status)
		require.ErrorIs(t, report.Checks[1].Err, context.DeadlineExceeded)

		time.Sleep(time.Second) // past the cache
		report = r.Report()
		require.Equal(t, contract.Unhealthy, report.Status)
		require.ErrorContains(t, report.Checks[1].Err, "not returned")
		require.EqualValues(t, 1, calls.Load())

		close(release)
		synctest.Wait()
		time.Sleep(time.Second)
		require.Equal(t, contract.Healthy, r.Report().Status)
		require.EqualValues(t, 2, calls.Load())
	})
}

func TestResultsAreKeptForTheCacheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		r := newRegistry(t, check{"a", func(context.Context) (contract.Status, error) {
			calls.Add(1)
			return contract.Healthy, nil
		}})
		r.Report()
		time.Sleep(999 * time.Millisecond)
		r.Report()
		require.EqualValues(t, 1, calls.Load())
		time.Sleep(time.Millisecond)
		r.Report()
		require.EqualValues(t, 2, calls.Load())
	})
}

func TestCallersAtTheSameTimeShareOneExamination(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		r, err := health.New(health.Config{Timeout: time.Minute}, check{"a", func(context.Context) (contract.Status, error) {
			calls.Add(1)
			time.Sleep(time.Second)
			return contract.Degraded, nil
		}})
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { require.Equal(t, contract.Degraded, r.Report().Status) })
		}
		all.Wait()
		require.EqualValues(t, 1, calls.Load())
		r.Report()
		require.EqualValues(t, 2, calls.Load(), "nothing is cached")
	})
}

func TestADrainingServerIsUnhealthyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, answer("a", contract.Healthy, nil), answer("z", contract.Healthy, nil))
	require.Equal(t, contract.Healthy, r.Report().Status)
	r.SetDraining()
	for range 2 {
		report := r.Report()
		require.Equal(t, contract.Unhealthy, report.Status)
		require.Len(t, report.Checks, 3)
		require.Equal(t, "server", report.Checks[1].Name)
		require.Equal(t, contract.Unhealthy, report.Checks[1].Status)
		require.ErrorIs(t, report.Checks[1].Err, health.ErrDraining)
	}
}

func TestACheckThatIsKnownLateIsOneOfThem(t *testing.T) {
	t.Parallel()
	r, asked := newRegistry(t, answer("a", contract.Healthy, nil), answer("c", contract.Healthy, nil)), 0
	r.Join(func() []contract.Check {
		asked++
		return []contract.Check{answer("b", contract.Unhealthy, errors.New("sick"))}
	})
	require.Zero(t, asked, "only a report asks for it")
	for range 2 {
		report := r.Report()
		require.Equal(t, contract.Unhealthy, report.Status)
		require.Len(t, report.Checks, 3)
		require.Equal(t, "b", report.Checks[1].Name, "sorted")
	}
	require.Equal(t, 1, asked)
}

// optional is a part that requests are answered without.
type optional struct{ check }

func (optional) Optional() {}

func TestWhatIsOptionalIsNeverWorseThanDegradedHoweverItFails(t *testing.T) {
	t.Parallel()
	sick := errors.New("sick")
	for name, do := range map[string]func(ctx context.Context) (contract.Status, error){
		"it says that it is unhealthy": func(context.Context) (contract.Status, error) { return contract.Unhealthy, sick },
		"it panics":                    func(context.Context) (contract.Status, error) { panic("oh") },
		"it makes no sense":            func(context.Context) (contract.Status, error) { return "fine", nil },
		"it takes too long": func(ctx context.Context) (contract.Status, error) {
			<-ctx.Done()
			return contract.Healthy, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fine := answer("fine", contract.Healthy, nil)
				report := newRegistry(t, fine, optional{check{"maybe", do}}).Report()
				require.Equal(t, contract.Degraded, report.Status)
				require.Error(t, report.Checks[1].Err)
				require.Equal(t, contract.Unhealthy, newRegistry(t, fine, check{"must", do}).Report().Status)
			})
		})
	}
}
