// Command shown prints what the linker was told.
package main

import (
	"fmt"

	"github.com/yourorg/platform/internal/version"
)

func main() { fmt.Println(version.Get()) }
