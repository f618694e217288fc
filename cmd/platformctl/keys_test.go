package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/cli"
)

func TestKeysAreListedAndRotated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := " --environment test --set database.url=sqlite://" + filepath.Join(dir, "platform.db") + " --set security.key_file=" + filepath.Join(dir, "key")
	ids := func() (signing string, all []string) {
		text, code := run(t, "keys list"+in)
		require.Equal(t, cli.OK, code)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		require.Regexp(t, `^KID +CREATED +RETIRED +VERIFIES UNTIL$`, lines[0])
		for _, line := range lines[1:] {
			columns := strings.Fields(line)
			require.Len(t, columns, 4)
			require.NoError(t, uuid.Validate(columns[0]))
			_, err := time.Parse(time.RFC3339, columns[1])
			require.NoError(t, err)
			if all = append(all, columns[0]); columns[2] == "-" {
				require.Empty(t, signing, "one signs")
				require.Equal(t, "-", columns[3])
				signing = columns[0]
			}
		}
		return signing, all
	}
	first, all := ids()
	require.Equal(t, []string{first}, all)

	text, code := run(t, "keys rotate"+in)
	require.Equal(t, cli.OK, code)
	second, all := ids()
	require.Equal(t, []string{second, first}, all)
	require.Regexp(t, `^`+second+` signs\n`+first+` verifies until \d{4}-`, text)

	_, code = run(t, "keys rotate --retire-after 0s"+in)
	require.Equal(t, cli.OK, code)
	third, all := ids()
	require.Equal(t, []string{third, first}, all, "the one that was retired before keeps its time")

	_, code = run(t, "keys rotate --retire-after -1s"+in)
	require.Equal(t, cli.Usage, code)
	_, code = run(t, "keys rotate --set security.key_file="+filepath.Join(dir, "other")+" --environment test --set database.url=sqlite://"+filepath.Join(dir, "platform.db"))
	require.Equal(t, cli.Failed, code, "whoever cannot open the keys does not replace them")
	now, _ := ids()
	require.Equal(t, third, now)
}
