package database

// Array is one value of each, as an argument for unnest on Postgres: a statement with arrays is the same however many rows
// it writes, so it is prepared once, and costs a third of one with a placeholder for each value.
func Array[T, V any](all []T, value func(T) V) []V {
	values := make([]V, len(all))
	for i, one := range all {
		values[i] = value(one)
	}
	return values
}
