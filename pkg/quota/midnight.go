package quota

import "time"

// midnight is the first moment of a day. Where the clock is put forward at midnight, as in Havana, a day begins at one o'clock,
// and time.Date answers with the evening before; where it is put back to midnight, there are two of them.
func midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	wanted := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	begin, end := t.ZoneBounds()
	if date(t).Before(wanted) {
		return end
	}
	if begin.IsZero() {
		return t
	}
	if before := begin.Add(-time.Nanosecond); !date(before).Before(wanted) {
		_, offset := before.Zone()
		return wanted.Add(-time.Duration(offset) * time.Second).In(zone)
	}
	return t
}

// date is a local date, such that dates can be compared.
func date(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
