package quota

import (
	"slices"
	"time"
)

// Window is the stretch of time for which a limit holds. Days and months are those of the tenant's time zone.
type Window string

// The windows, from the shortest on.
const (
	Minute   Window = "minute"
	Hour     Window = "hour"
	Day      Window = "day"
	Month    Window = "month"
	Lifetime Window = "lifetime" // never begins again: for what is kept, such as seats and bytes
)

// Windows are all of them, from the shortest on.
func Windows() []Window { return []Window{Minute, Hour, Day, Month, Lifetime} }

// Valid tells whether w is one of the windows.
func (w Window) Valid() bool { return slices.Contains(Windows(), w) }

// Begins returns when the window that contains t begins and ends in a time zone; both are zero for Lifetime.
func (w Window) Begins(t time.Time, zone *time.Location) (begin, end time.Time) {
	n := w.Number(t, zone)
	return w.Starts(n, zone), w.Starts(n+1, zone)
}

// Number counts the windows since 1970, up to the one that contains t. Days and months are numbered by the calendar on the
// wall: the same day has the same number everywhere, whenever it begins there. It is 0 for Lifetime.
func (w Window) Number(t time.Time, zone *time.Location) int64 {
	switch w {
	case Minute:
		return t.Unix() / 60
	case Hour:
		return t.Unix() / 3600
	case Day:
		year, month, day := t.In(zone).Date()
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400
	case Month:
		year, month, _ := t.In(zone).Date()
		return int64(year-1970)*12 + int64(month-time.January)
	}
	return 0
}

// Starts returns when the window of a number begins in a time zone; it is zero for Lifetime.
func (w Window) Starts(number int64, zone *time.Location) time.Time {
	switch w {
	case Minute:
		return time.Unix(number*60, 0).In(zone)
	case Hour:
		return time.Unix(number*3600, 0).In(zone)
	case Day:
		return midnight(time.Unix(number*86400, 0).UTC(), zone)
	case Month:
		return midnight(time.Date(1970, time.January+time.Month(number), 1, 0, 0, 0, 0, time.UTC), zone)
	}
	return time.Time{}
}

// midnight is the first moment of a date, which is given in UTC. Where clocks are put forward at midnight there is none, and
// where they are put back after it there are two.
func midnight(date time.Time, zone *time.Location) time.Time {
	year, month, day := date.Date()
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if t.Day() != day {
		_, t = t.ZoneBounds()
		return t
	}
	if changed, _ := t.ZoneBounds(); !changed.IsZero() {
		_, before := changed.Add(-time.Second).Zone()
		_, after := t.Zone()
		if first := t.Add(time.Duration(after-before) * time.Second); first.Before(changed) {
			return first
		}
	}
	return t
}
