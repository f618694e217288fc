package testapp

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// mostLines is how many lines of a log are searched: hundreds of platforms are, and a few of them log without end.
const mostLines = 20_000

// secrets are what users of a platform were given or have sent, and no log may have.
type secrets struct {
	mu  sync.Mutex
	all []string
}

func (s *secrets) add(all ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		if len(one) >= 8 && !slices.Contains(s.all, one) { // a shorter one may be anywhere
			s.all = append(s.all, one)
		}
	}
}

// unlogged fails the test if a log has a secret.
func (s *secrets) unlogged(t testing.TB, log *observer.ObservedLogs) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return
	}
	lines := log.All()
	for _, line := range lines[:min(len(lines), mostLines)] {
		if has(s.all, line) {
			t.Errorf("the log has a token or a password of a user: %q", line.Message)
			return
		}
	}
}

func has(secrets []string, line observer.LoggedEntry) bool {
	in := func(text string) bool {
		return len(text) >= 8 && slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(text, s) })
	}
	return in(line.Message) || in(line.Stack) || slices.ContainsFunc(line.Context, func(f zapcore.Field) bool { return in(f.Key) || in(text(f)) })
}

// text is what a field says.
func text(f zapcore.Field) string {
	switch f.Interface.(type) {
	case nil:
		return f.String
	case error, fmt.Stringer, zapcore.ArrayMarshaler:
		return fmt.Sprint(f.Interface)
	case []byte:
		return fmt.Sprintf("%s", f.Interface)
	}
	return ""
}
