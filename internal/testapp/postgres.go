package testapp

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/internal/testbroker"
)

// PostgresServer is a server of a test's own, which may be stopped under load. It waits for the disk as in production.
type PostgresServer struct {
	dir, options string
}

// NewPostgres starts a server that all platforms of the test use from then on. The test is skipped where the programs of
// Postgres are not installed.
func NewPostgres(t *testing.T) *PostgresServer {
	t.Helper()
	_, port, err := net.SplitHostPort(testbroker.Address(t))
	require.NoError(t, err)
	p := &PostgresServer{
		dir:     filepath.Join(t.TempDir(), "cluster"),
		options: "-c listen_addresses=127.0.0.1 -c port=" + port + " -c unix_socket_directories='' -c max_connections=300",
	}
	p.run(t, "initdb", "-U", "postgres", "--auth=trust")
	p.control(t, "start")
	t.Cleanup(func() { p.control(t, "stop", "-m", "immediate") })
	t.Setenv("PLATFORM_TEST_DATABASE", "postgres")
	t.Setenv("PLATFORM_TEST_POSTGRES_DSN", "postgres://postgres@127.0.0.1:"+port+"/postgres?sslmode=disable")
	return p
}

// RestartAgainAndAgain restarts it six times within some thirty seconds, every second time without a proper end.
func (p *PostgresServer) RestartAgainAndAgain(t *testing.T) {
	t.Helper()
	for _, mode := range slices.Repeat([]string{"fast", "immediate"}, 3) {
		<-time.After(3 * time.Second)
		p.control(t, "restart", "-m", mode)
	}
	<-time.After(3 * time.Second)
}

// Stop ends it without a proper end, as kill -9 would.
func (p *PostgresServer) Stop(t *testing.T) {
	t.Helper()
	p.control(t, "stop", "-m", "immediate")
}

// Start starts it again after Stop, on the same port.
func (p *PostgresServer) Start(t *testing.T) {
	t.Helper()
	p.control(t, "start")
}

func (p *PostgresServer) control(t *testing.T, args ...string) {
	t.Helper()
	p.run(t, "pg_ctl", append(args, "-w", "-o", p.options, "-l", filepath.Join(p.dir, "log"))...)
}

func (p *PostgresServer) run(t *testing.T, program string, args ...string) {
	t.Helper()
	path := program
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program); len(found) > 0 {
		path = found[len(found)-1]
	}
	if _, err := exec.LookPath(path); err != nil {
		t.Skipf("%s is not installed", program)
	}
	cmd := exec.Command(path, append([]string{"-D", p.dir}, args...)...)
	cmd.Dir = filepath.Dir(p.dir)
	asPostgres(t, cmd)
	out, err := os.CreateTemp(t.TempDir(), program) // a pipe would stay open in the server
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	said, _ := os.ReadFile(out.Name())
	require.NoError(t, err, "%s: %s", program, said)
	require.NoError(t, out.Close())
}

// asPostgres lets a command run as somebody who may run a server, which root may not.
func asPostgres(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	who, err := user.Lookup("postgres")
	require.NoError(t, err)
	uid, err := strconv.Atoi(who.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(who.Gid)
	require.NoError(t, err)
	require.NoError(t, os.Chown(cmd.Dir, uid, gid))
	for up := filepath.Dir(cmd.Dir); up != "/tmp" && up != "/"; up = filepath.Dir(up) {
		require.NoError(t, os.Chmod(up, 0o755))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}
