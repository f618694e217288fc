//go:build soak

package main

import "testing"

func TestSoakKill9(t *testing.T) {
	t.Parallel()
	survive(t, 50)
}
