// Command run generates all code. It imports nothing that is generated, so that it runs when the rest does not build.
package main

import (
	"fmt"
	"os"

	"github.com/yourorg/platform/internal/codegen"
)

func main() {
	if err := codegen.Run("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
