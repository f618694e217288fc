package notify

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// zh tells whether the language is Chinese, which writes times its own way. Every other language gets the English one:
// the platform comes in these two.
func (s speech) zh() bool { return s.locale == "zh" || strings.HasPrefix(s.locale, "zh-") }

// date writes a time of RFC 3339 in the recipient's zone.
func (s speech) date(text string) (string, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", errors.New("date wants a time of RFC 3339")
	}
	layout := "2 January 2006 at 15:04 MST"
	if s.zh() {
		layout = "2006年1月2日 15:04 MST"
	}
	return t.In(s.zone).Format(layout), nil
}

// duration writes seconds in words.
func (s speech) duration(seconds number) (string, error) {
	if seconds < 0 || seconds > 1e10 {
		return "", errors.New("duration wants seconds")
	}
	d := time.Duration(float64(seconds) * float64(time.Second))
	n, unit := int(d.Minutes()), "minute"
	switch {
	case d >= 48*time.Hour:
		n, unit = int(d.Hours()/24), "day"
	case d >= 2*time.Hour:
		n, unit = int(d.Hours()), "hour"
	case d < time.Minute:
		n, unit = int(d.Seconds()), "second"
	}
	if s.zh() {
		return fmt.Sprintf("%d %s", n, map[string]string{"day": "天", "hour": "小时", "minute": "分钟", "second": "秒"}[unit]), nil
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit), nil
}
