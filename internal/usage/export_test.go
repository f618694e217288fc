package usage

// What tests do at another time than now.
var (
	ConsumedAt = (*Recorder).consumed
	TidyAt     = (*Recorder).tidy
)
