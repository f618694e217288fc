//go:build soak

package main

import "testing"

func TestSoakRollingRestart(t *testing.T) {
	t.Parallel()
	roll(t, 50)
}
