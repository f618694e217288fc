package main

import (
	"github.com/spf13/cobra"

	"github.com/yourorg/platform/internal/version"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, the commit and when it was built", Args: cobra.NoArgs, Example: "  platform version",
		Run: func(cmd *cobra.Command, _ []string) { cmd.Println(version.Get()) },
	}
}
