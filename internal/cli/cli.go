// Package cli is what the commands share: the flags of the configuration, the exit codes, and how errors are printed.
package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/config"
	"github.com/yourorg/platform/modules"
)

// The exit codes of every command.
const (
	OK     = 0
	Failed = 1 // the command was understood and did not work
	Usage  = 2 // the command was not understood
)

// failure marks an error of the work itself; every other error is one of usage.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// Run makes a cobra RunE of fn, whose errors exit with Failed.
func Run(fn func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := fn(cmd, args); err != nil {
			return failure{err}
		}
		return nil
	}
}

// Group is a command that only holds others: called by itself, or with a name it does not have, it is a usage error.
func Group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Example: example,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
			}
			return fmt.Errorf("%q needs a command", cmd.CommandPath())
		},
	}
	c.AddCommand(commands...)
	return c
}

// Root prepares the command of a binary with the flags of the configuration.
func Root(c *cobra.Command) *cobra.Command {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(os.Stdout) // cobra would print results to standard error
	c.CompletionOptions.HiddenDefaultCmd = true
	c.SetHelpCommand(help(c.Name()))
	flags := c.PersistentFlags()
	flags.String("config", "", "read this YAML file too; it wins over the built-in ones")
	flags.String("environment", "", "development, production or test; wins over PLATFORM_ENVIRONMENT")
	flags.StringArray("set", nil, "set a key, as in --set http.addr=:9000; wins over everything; can be repeated")
	return c
}

// help replaces cobra's, for which a command that does not exist is no error.
func help(binary string) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Explain a command", Example: "  " + binary + " help",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = fmt.Errorf("unknown command %q for %q", rest[0], about.CommandPath())
			}
			if err != nil {
				return err
			}
			about.InitDefaultHelpFlag() // as in cobra's own: --help is listed too
			return about.Help()
		},
	}
}

// Load reads the configuration that the flags, the environment and the files make.
func Load(cmd *cobra.Command) (*app.Loaded, error) {
	var opts config.Options
	var errs [3]error
	opts.File, errs[0] = cmd.Flags().GetString("config")
	opts.Environment, errs[1] = cmd.Flags().GetString("environment")
	opts.Set, errs[2] = cmd.Flags().GetStringArray("set")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return app.Load(opts, modules.All()...)
}

// Main runs a command line and returns its exit code. Errors go to standard error.
func Main(root *cobra.Command) int {
	cmd, err := root.ExecuteC()
	if err == nil {
		return OK
	}
	name := root.Name()
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, line)
	}
	if _, failed := errors.AsType[failure](err); failed {
		return Failed
	}
	fmt.Fprintf(os.Stderr, "%s: see %s --help\n", name, cmd.CommandPath())
	return Usage
}
