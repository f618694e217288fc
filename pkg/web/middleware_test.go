package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/web"
)

type teapot struct{ err error }

func (f *teapot) Fail(w http.ResponseWriter, _ *http.Request, err error) {
	f.err = err
	w.WriteHeader(http.StatusTeapot)
}

func TestFailAnswersAsThePlatformSays(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	f, mine := &teapot{}, errors.New("mine")
	w := httptest.NewRecorder()
	web.Fail(w, r.WithContext(web.WithFailer(r.Context(), f)), mine)
	require.Equal(t, http.StatusTeapot, w.Code)
	require.Equal(t, mine, f.err)
}

func TestFailOutsideOfThePlatformSaysNothing(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	web.Fail(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody), errors.New("mine"))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Empty(t, w.Body.String())
}
