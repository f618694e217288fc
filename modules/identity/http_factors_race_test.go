package identity_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testapp"
	"github.com/yourorg/platform/modules"
)

func TestNoSessionThatIsBegunDuringAnEnrolmentLacksTheFactor(t *testing.T) {
	t.Parallel()
	app := testapp.New(t, modules.All())
	two := testapp.New(t, modules.All(), testapp.Options{Database: app.DatabaseURL()})
	ada := app.Register(t, "ada")
	for range 5 {
		phone := begin(t, app, ada.Token)
		calls := make([]testapp.Call, 30)
		for i := range calls {
			calls[i] = login(ada.Email, ada.Password)
		}
		calls[15] = confirmTOTP(ada.Token, phone.codeAt(t, time.Now()))
		require.Equal(t, map[int]int{http.StatusOK: 30}, tally(t, calls, app, two))
		alive := app.Rows(t, "SELECT second_factor FROM identity_sessions WHERE revoked_at IS NULL AND user_id = '"+ada.ID.String()+"'")
		require.Len(t, alive, 1, "that of the enrolment")
		require.Contains(t, []string{"true", "1"}, alive[0]["second_factor"])
		app.Want(t, http.StatusNoContent, removeTOTP(ada.Token))
	}
}
