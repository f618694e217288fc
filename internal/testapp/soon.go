package testapp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// WithinASecond asks until the answer is right. It is called when something has changed, and whoever asks more than a second
// later must be answered rightly at once: a replica that has not heard of the change by then has to look. It does not matter
// how long the machine takes for the answer itself.
func WithinASecond(t testing.TB, right func() bool, what ...any) {
	t.Helper()
	changed := time.Now()
	for {
		asked := time.Now()
		if right() {
			return
		}
		require.Less(t, asked.Sub(changed), time.Second, what...)
		<-time.After(10 * time.Millisecond)
	}
}
