package quota_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/quota"
)

func TestWindowsBeginAndEndInTheZoneOfTheTenant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, at, window, begin, end string }{
		{"UTC", "2026-03-15T10:20:30Z", "minute", "2026-03-15T10:20:00Z", "2026-03-15T10:21:00Z"},
		{"UTC", "2026-03-15T10:20:30Z", "hour", "2026-03-15T10:00:00Z", "2026-03-15T11:00:00Z"},
		{"UTC", "2026-12-31T23:59:59Z", "month", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"America/New_York", "2026-01-01T04:59:59Z", "month", "2025-12-01T05:00:00Z", "2026-01-01T05:00:00Z"},
		{"Pacific/Kiritimati", "2026-01-31T10:00:00Z", "month", "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"},
		// The clock is put forward: a day of 23 hours. It is put back: one of 25.
		{"Europe/Berlin", "2026-03-29T12:00:00Z", "day", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"Europe/Berlin", "2026-10-25T12:00:00Z", "day", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		// There is no midnight, and there are two; and one day that is not there at all.
		{"America/Havana", "2011-03-20T04:30:00Z", "day", "2011-03-19T05:00:00Z", "2011-03-20T05:00:00Z"},
		{"America/Havana", "2011-03-20T05:00:00Z", "day", "2011-03-20T05:00:00Z", "2011-03-21T04:00:00Z"},
		{"America/Havana", "2011-11-13T04:30:00Z", "day", "2011-11-13T04:00:00Z", "2011-11-14T05:00:00Z"},
		{"Pacific/Apia", "2011-12-30T09:59:59Z", "day", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		// The hour that is there twice is two of them.
		{"Europe/Berlin", "2026-10-25T00:30:00Z", "hour", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
		{"Europe/Berlin", "2026-10-25T01:30:00Z", "hour", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		require.NoError(t, err)
		at, err := time.Parse(time.RFC3339, c.at)
		require.NoError(t, err)
		begin, end := quota.Window(c.window).Begins(at, zone)
		require.Equal(t, []string{c.begin, c.end}, []string{begin.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339)}, "%v", c)
	}
	begin, end := quota.Lifetime.Begins(time.Now(), time.UTC)
	require.True(t, begin.IsZero() && end.IsZero())
}

// Every moment is in exactly one window: the one before ends where the next one begins. There are zones that put the clock
// forward at midnight, and one that has left out a day.
func TestWindowsLeaveNothingOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Beirut", "America/Havana"}).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		w := rapid.SampledFrom([]quota.Window{quota.Minute, quota.Hour, quota.Day, quota.Month}).Draw(t, "window")
		at := time.Unix(rapid.Int64Range(1_200_000_000, 1_900_000_000).Draw(t, "at"), 0)
		begin, end := w.Begins(at, zone)
		require.False(t, at.Before(begin), "%s begins at %s", at, begin)
		require.True(t, at.Before(end), "%s ends at %s", at, end)
		again, ends := w.Begins(begin, zone)
		require.True(t, again.Equal(begin) && ends.Equal(end), "the beginning %s is in %s to %s", begin, again, ends)
		next, _ := w.Begins(end, zone)
		require.True(t, next.Equal(end), "what follows %s begins at %s", end, next)
	})
}
