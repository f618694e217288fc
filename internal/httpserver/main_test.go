package httpserver_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every platform that these tests start is stopped again: nothing of any of them may go on.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
