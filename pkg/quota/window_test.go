package quota_test

import (
	"testing"
	"time"
	_ "time/tzdata" // so that the zones are those of Go

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/yourorg/platform/pkg/quota"
)

func zone(t require.TestingT, name string) *time.Location {
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func TestAWindowIsThatOfTheCalendarOnTheWall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ zone, at, window, begin, end string }{
		"a minute is the same everywhere":           {"Asia/Kolkata", "2026-03-01T12:34:56Z", "minute", "2026-03-01T12:34:00Z", "2026-03-01T12:35:00Z"},
		"an hour is the same everywhere":            {"Asia/Kolkata", "2026-03-01T12:34:56Z", "hour", "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"},
		"a day begins where the tenant is":          {"Asia/Tokyo", "2026-03-01T15:00:00Z", "day", "2026-03-01T15:00:00Z", "2026-03-02T15:00:00Z"},
		"a day of 23 hours":                         {"Europe/Berlin", "2026-03-29T12:00:00Z", "day", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		"a day of 25 hours":                         {"Europe/Berlin", "2026-10-25T12:00:00Z", "day", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		"a day without midnight":                    {"Africa/Cairo", "2024-04-26T12:00:00Z", "day", "2024-04-25T22:00:00Z", "2024-04-26T21:00:00Z"},
		"a day with two midnights":                  {"America/Havana", "2024-11-03T12:00:00Z", "day", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z"},
		"the day before one that was left out":      {"Pacific/Apia", "2011-12-30T09:59:59Z", "day", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		"the last second of February":               {"UTC", "2026-02-28T23:59:59Z", "month", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"},
		"a leap year":                               {"UTC", "2028-02-29T00:00:00Z", "month", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		"the turn of the year, where the tenant is": {"Pacific/Kiritimati", "2026-12-31T10:00:00Z", "month", "2026-12-31T10:00:00Z", "2027-01-31T10:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, c.at)
			require.NoError(t, err)
			begin, end := quota.Window(c.window).Begins(at, zone(t, c.zone))
			require.Equal(t, c.begin, begin.UTC().Format(time.RFC3339))
			require.Equal(t, c.end, end.UTC().Format(time.RFC3339))
		})
	}
	begin, end := quota.Lifetime.Begins(time.Now(), time.UTC)
	require.True(t, begin.IsZero() && end.IsZero())
}

// Every moment is in one window: windows follow each other without a gap, and contain what they say that they contain.
func TestWindowsFollowEachOther(t *testing.T) {
	t.Parallel()
	zones := []string{
		"UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Africa/Cairo", "America/Sao_Paulo", "Asia/Kathmandu",
		"Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "America/Asuncion", "Asia/Beirut",
	}
	rapid.Check(t, func(t *rapid.T) {
		z := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		w := rapid.SampledFrom(quota.Windows()[:4]).Draw(t, "window")
		at := time.Unix(rapid.Int64Range(1_000_000_000, 4_102_444_800).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		begin, end := w.Begins(at, z)
		require.False(t, at.Before(begin), "%s is before %s", at, begin)
		require.True(t, at.Before(end), "%s is not before %s", at, end)
		n := w.Number(at, z)
		require.Equal(t, n, w.Number(begin, z))
		require.Less(t, w.Number(begin.Add(-1), z), n)
		require.Greater(t, w.Number(end, z), n)
		require.Equal(t, n, w.Number(end.Add(-1), z))
	})
}
