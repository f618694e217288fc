package ratelimit

import (
	"time"

	"github.com/yourorg/platform/pkg/ratelimit"
	"github.com/yourorg/platform/pkg/terms"
)

// pace is a limit as the generic cell rate algorithm has it (ITU-T I.371, annex A, as virtual scheduling; brandur.org/rate-limiting
// tells it in words, and throttled/throttled does it for HTTP). Of each key one time is kept: when all that was counted will have
// drained. An event may come while that is not further ahead than full, itself included.
type pace struct {
	every time.Duration // one event each
	full  time.Duration // every, as often as events may come at once
}

func paceOf(r terms.Rate) pace {
	every := time.Second / time.Duration(max(r.PerSecond, 1)) // whoever sets a rate has checked it
	return pace{every, every * time.Duration(r.Burst)}
}

func paceOfLimit(l ratelimit.Limit) pace { return pace{l.Period / time.Duration(l.Events), l.Period} }

// ahead is how far a key is ahead of now. No more is believed than the limit can hold: it may have been wider, and a clock that
// others share may have been set back.
func (p pace) ahead(drained, now time.Duration) time.Duration {
	return min(max(drained-now, 0), p.full)
}

// wait is how long it takes until there is room for one more event. 0 means that there is.
func (p pace) wait(ahead time.Duration) time.Duration { return max(ahead+p.every-p.full, 0) }

// standing is what is left.
func (p pace) standing(ahead time.Duration) Standing {
	left := p.full - ahead
	s := Standing{Remaining: int(left / p.every)}
	if ahead > 0 {
		s.Next = p.every - left%p.every
	}
	return s
}

// Standing is what is left of a limit.
type Standing struct {
	Remaining int           // events that may come at once
	Next      time.Duration // until it is one more; 0 when it cannot be more
}
