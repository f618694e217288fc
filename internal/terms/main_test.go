package terms_test

import (
	"testing"

	"github.com/yourorg/platform/internal/testapp"
)

func TestMain(m *testing.M) { testapp.VerifyNoLeaks(m) }
