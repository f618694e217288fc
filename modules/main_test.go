package modules_test

import (
	"testing"

	"github.com/yourorg/platform/internal/testapp"
)

// Every platform that these tests start is stopped again: nothing of any module may go on.
func TestMain(m *testing.M) { testapp.VerifyNoLeaks(m) }
