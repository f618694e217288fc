package river

import (
	"context"
	"database/sql"
	"sync"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivershared/baseservice"
	"github.com/riverqueue/river/rivershared/riverpilot"
	"github.com/riverqueue/river/rivertype"
)

// River works on the pool of the platform, so that its statements are confined like all others and SQLite keeps its one
// writer. It neither listens nor notifies by itself: the platform tells it when to look, once for all commits of a
// moment. Without being told it looks every now and then.
type (
	sqliteDriver struct {
		*riversqlite.Driver
		*pilot
		*taking
	}
	postgresDriver struct {
		*riverdatabasesql.Driver
		*pilot
		*taking
	}
)

func (sqliteDriver) SupportsListener() bool       { return false }
func (sqliteDriver) SupportsListenNotify() bool   { return false }
func (postgresDriver) SupportsListener() bool     { return false }
func (postgresDriver) SupportsListenNotify() bool { return false }

func (d sqliteDriver) GetExecutor() riverdriver.Executor {
	return d.takes(d.Driver.GetExecutor())
}

func (d postgresDriver) GetExecutor() riverdriver.Executor {
	return d.takes(d.Driver.GetExecutor())
}

// newDriver returns a driver over a pool. It takes no work unless t says for whom.
func newDriver(pool *sql.DB, sqlite bool, t *taking) (riverdriver.Driver[*sql.Tx], *pilot) {
	p := &pilot{}
	if sqlite {
		return sqliteDriver{riversqlite.New(pool), p, t}, p
	}
	return postgresDriver{riverdatabasesql.New(pool), p, t}, p
}

// pilot catches the function with which River wakes its own producers. Like taking it leans on a part of River that is
// not promised to stay; without it jobs would wait for the next look.
type pilot struct {
	riverpilot.StandardPilot

	mu   sync.Mutex
	wake func(context.Context, []*rivertype.JobInsertResult)
}

// PluginInit is called by River.
func (*pilot) PluginInit(*baseservice.Archetype) {}

// PluginPilot is called by River.
func (p *pilot) PluginPilot() riverpilot.Pilot { return p }

// PilotInit is called by River.
func (p *pilot) PilotInit(a *baseservice.Archetype, params *riverpilot.PilotInitParams) {
	p.StandardPilot.PilotInit(a, params)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake = params.NotifyNonTxJobInsert
}

// look has the producers of these queues look for work.
func (p *pilot) look(queues []string) {
	p.mu.Lock()
	wake := p.wake
	p.mu.Unlock()
	if wake == nil || len(queues) == 0 {
		return
	}
	results := make([]*rivertype.JobInsertResult, len(queues))
	for i, q := range queues {
		results[i] = &rivertype.JobInsertResult{Job: &rivertype.JobRow{Queue: q}}
	}
	wake(context.Background(), results)
}
