package cli

import (
	"bytes"
	"errors"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func TestTheExitCodeTellsUsageFromFailure(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args []string
		want int
	}{
		"it worked":                        {[]string{"do"}, OK},
		"it failed":                        {[]string{"do", "--fail"}, Failed},
		"help":                             {[]string{"do", "--help"}, OK},
		"an argument that is not expected": {[]string{"do", "it"}, Usage},
		"a flag that is not there":         {[]string{"do", "--it"}, Usage},
		"no command":                       {nil, Usage},
		"a command that is not there":      {[]string{"undo"}, Usage},
		"a group by itself":                {[]string{"some"}, Usage},
		"help of a command":                {[]string{"help", "some", "thing"}, OK},
		"help of nothing":                  {[]string{"help", "some", "nothing"}, Usage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fail bool
			do := &cobra.Command{Use: "do", Args: cobra.NoArgs, RunE: Run(func(*cobra.Command, []string) error {
				if fail {
					return errors.Join(errors.New("one"), errors.New("two"))
				}
				return nil
			})}
			do.Flags().BoolVar(&fail, "fail", false, "")
			thing := &cobra.Command{Use: "thing", RunE: Run(func(*cobra.Command, []string) error { return nil })}
			c := Root(Group("tool", "A tool", "  tool do", do, Group("some", "Some things", "  tool some thing", thing)))
			c.SetOut(&bytes.Buffer{})
			c.SetArgs(tt.args)
			if tt.args == nil {
				c.SetArgs([]string{})
			}
			require.Equal(t, tt.want, Main(c))
		})
	}
}

func TestAFailureKeepsItsCause(t *testing.T) {
	t.Parallel()
	mine := errors.New("mine")
	err := Run(func(*cobra.Command, []string) error { return mine })(nil, nil)
	require.ErrorIs(t, err, mine)
	require.NoError(t, Run(func(*cobra.Command, []string) error { return nil })(nil, nil))
}

func TestTheFlagsOfTheConfigurationAreRead(t *testing.T) {
	t.Parallel()
	c := Root(&cobra.Command{Use: "tool", RunE: func(cmd *cobra.Command, _ []string) error {
		loaded, err := Load(cmd)
		if err == nil {
			require.Equal(t, "test", loaded.Config.Environment())
			value, _ := loaded.Config.Get("http.addr")
			require.Equal(t, ":1", value)
		}
		return err
	}})
	c.SetArgs([]string{"--environment", "test", "--set", "http.addr=:1"})
	require.NoError(t, c.Execute())
	c.SetArgs([]string{"--set", "http.adr=:1"})
	require.ErrorContains(t, c.Execute(), "http.adr")
	c.SetArgs([]string{"--config", "none.yaml"})
	require.ErrorContains(t, c.Execute(), "none.yaml")
}
