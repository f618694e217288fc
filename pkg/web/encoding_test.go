package web_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/web"
)

func TestTheEncodingIsTheOneThatTheClientLikesBest(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name   string
		accept []string
		want   string
	}{
		{"nothing is said", nil, ""},
		{"nothing is accepted", []string{""}, ""},
		{"one", []string{"gzip"}, "gzip"},
		{"what a browser sends", []string{"gzip, deflate, br, zstd"}, "zstd"},
		{"in several lines", []string{"deflate", "br, gzip"}, "gzip"},
		{"by weight", []string{"zstd;q=0.5, gzip;q=0.8"}, "gzip"},
		{"by the third digit", []string{"zstd;q=0.501, gzip;q=0.502"}, "gzip"},
		{"with spaces and in capitals", []string{" GZIP \t;\tQ=1.000 "}, "gzip"},
		{"by its old name", []string{"x-gzip"}, "gzip"},
		{"anything", []string{"*"}, "zstd"},
		{"anything but one", []string{"*, zstd;q=0"}, "gzip"},
		{"anything but these", []string{"*;q=0"}, ""},
		{"one is refused", []string{"gzip;q=0"}, ""},
		{"one is refused with digits", []string{"gzip;q=0.000"}, ""},
		{"rather as it is", []string{"gzip;q=0.5, identity"}, ""},
		{"rather as it is, by what is not named", []string{"gzip;q=0.5, zstd;q=0.5, *"}, ""},
		{"as it is, or not", []string{"identity, gzip"}, "gzip"},
		{"not as it is", []string{"identity;q=0, gzip;q=0.1"}, "gzip"},
		{"only what is unknown", []string{"compress, dcb"}, ""},
		{"the first mention counts", []string{"gzip;q=0, gzip"}, ""},
		{"a weight above one", []string{"gzip;q=1.001"}, ""},
		{"a weight below zero", []string{"gzip;q=-1"}, ""},
		{"a weight with four digits", []string{"gzip;q=0.1234"}, ""},
		{"a weight that is none", []string{"gzip;q=high"}, ""},
		{"another parameter", []string{"gzip;level=1"}, ""},
		{"a part of a name", []string{"gzipped, gzi"}, ""},
		{"commas only", []string{",,, ,"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()

			require.Equal(t, tt.want, web.Encoding(tt.accept, "zstd", "gzip"))
		})
	}
}

func TestIdentityIsRefusedByNameOrByAll(t *testing.T) {
	t.Parallel()

	for header, want := range map[string]bool{
		"": false, "gzip": false, "*": false, "identity;q=0.001": false, "*;q=0, identity": false,
		"identity;q=0": true, "*;q=0": true, "gzip, *;q=0": true,
	} {
		require.Equal(t, want, web.RefusesIdentity([]string{header}), header)
	}
}

// What is chosen was offered, and a client that refuses it by name never gets it.
func FuzzEncoding(f *testing.F) {
	for _, seed := range []string{"gzip, zstd;q=0.5", "*;q=0", ";q=1", "gzip;;q=0", "\x00,\xff;q=0.", "identity;q=0,*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		chosen := web.Encoding([]string{header}, "zstd", "gzip")
		require.Contains(t, []string{"", "zstd", "gzip"}, chosen)
		if chosen != "" {
			require.True(t, strings.Contains(strings.ToLower(header), chosen) || strings.Contains(header, "*"), header)
			require.NotEqual(t, chosen, web.Encoding([]string{chosen + ";q=0, " + header}, "zstd", "gzip"))
		}
	})
}
