package httpserver

import (
	"time"

	"github.com/yourorg/platform/pkg/config"
	"github.com/yourorg/platform/pkg/logger"
)

// AccessLog is the part "access_log" of the section.
type AccessLog struct {
	// Sample is the fraction of the successful requests that are logged, from 0 to 1. The trace id decides, or the request id
	// where there is none, so that all replicas keep the same traces. A line that stands for others has the fraction as
	// "sample": each counts for 1/sample requests. Errors and slow requests are always logged; the metrics count everything.
	Sample float64 `mapstructure:"sample" reload:"true"`
	// Slow is from when on a request is logged whatever Sample says.
	Slow time.Duration `mapstructure:"slow" reload:"true"`
}

// Validate names every key that cannot work.
func (a AccessLog) Validate() error {
	if !(a.Sample >= 0 && a.Sample <= 1) { // not a number is neither
		return config.Invalid("sample", "must be between 0 and 1")
	}
	if a.Slow <= 0 {
		return config.Invalid("slow", "must be positive")
	}
	return nil
}

// keeps decides by a hash, which is the same in every process. Whoever sends a trace id can choose one that is not kept.
func (a AccessLog) keeps(r *logger.Request) bool {
	if a.Sample >= 1 || r == nil {
		return true
	}
	id := r.TraceID
	if id == "" {
		id = r.ID
	}
	return fraction(id) < a.Sample
}

// fraction is from 0 to below 1, and even over any ids: FNV-1a, finished as MurmurHash3 does.
func fraction(id string) float64 {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return float64((h^h>>33)>>11) / (1 << 53)
}
