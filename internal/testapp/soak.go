package testapp

import (
	"os"
	"strconv"
)

// SoakKills is how often a soak kills: 200 times, or PLATFORM_SOAK_KILLS.
func SoakKills() int {
	if n, err := strconv.Atoi(os.Getenv("PLATFORM_SOAK_KILLS")); err == nil {
		return n
	}
	return 200
}
