package job

import "time"

// Options are how a job is done. The zero value of each leaves it to the kind, and then to the configuration.
type Options struct {
	Queue       string
	Priority    int           // 1, which goes first, to 4
	Due         time.Time     // not before it
	Delay       time.Duration // from the commit on; adds to nothing when Due is set
	Deadline    time.Time     // not after it
	Timeout     time.Duration // of one attempt
	MaxAttempts int
	UniqueKey   string
	Window      time.Duration
}

// Option changes how a job is done.
type Option func(*Options)

// Queue chooses the queue; "default" unless the kind has another. Queues are listed in jobs.queues.
func Queue(name string) Option { return func(o *Options) { o.Queue = name } }

// Priority goes from 1, which goes first, to 4. It orders the jobs of one queue; the default is 2.
func Priority(p int) Option { return func(o *Options) { o.Priority = p } }

// In runs the job when d has passed.
func In(d time.Duration) Option { return func(o *Options) { o.Delay = d } }

// At runs the job at t, or as soon as possible when t has passed.
func At(t time.Time) Option { return func(o *Options) { o.Due = t } }

// Before gives the job up when it is not done at t.
func Before(t time.Time) Option { return func(o *Options) { o.Deadline = t } }

// Timeout ends the context of an attempt after d. The default is jobs.timeout.
func Timeout(d time.Duration) Option { return func(o *Options) { o.Timeout = d } }

// MaxAttempts is how often the job is tried before it has failed. The default is jobs.max_attempts.
func MaxAttempts(n int) Option { return func(o *Options) { o.MaxAttempts = n } }

// Unique lets only one job of the kind, tenant and key be under way: until it is completed, failed or canceled, and for
// window after it was asked for, whichever is longer, Enqueue answers with the id of the one that is there.
func Unique(key string, window time.Duration) Option {
	return func(o *Options) { o.UniqueKey, o.Window = key, window }
}
