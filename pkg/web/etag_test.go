package web_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/web"
)

func TestIfMatch(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name, header string
		want         bool
	}{
		{"the tag itself", `"3"`, true},
		{"any version", `*`, true},
		{"one of several", `"1", "3"`, true},
		{"another version", `"2"`, false},
		{"a weak tag", `W/"3"`, false},
		{"without quotes", `3`, false},
		{"empty", ``, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			require.Equal(t, tt.want, web.Match(tt.header, web.ETag(3)))
		})
	}
}
