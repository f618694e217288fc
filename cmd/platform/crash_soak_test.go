//go:build soak

package main

import (
	"testing"

	"github.com/yourorg/platform/internal/testapp"
)

func TestSoakKill9(t *testing.T) {
	t.Parallel()
	survive(t, testapp.SoakKills())
}

func TestSoakKill9WithRedisAndNATS(t *testing.T) {
	t.Parallel()
	survive(t, testapp.SoakKills(), brokers(t)...)
}

func TestSoakKill9WithKeys(t *testing.T) {
	t.Parallel()
	repeat(t, testapp.SoakKills())
}
