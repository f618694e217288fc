package contract

import (
	"errors"
	"maps"
	"time"
)

// What a contract may ask for.
const (
	maxBody        = 1 << 40 // bytes
	maxTimeout     = time.Hour
	maxConcurrency = 1_000_000
)

// limits reads what an operation may use instead of what the server's configuration gives to all.
func (o *Operation) limits(extensions map[string]any) error {
	var err error
	if o.MaxBody, err = whole(extensions["x-max-body"], maxBody); err != nil {
		return errors.New("x-max-body must be a number of bytes, at least 1")
	}
	most, err := whole(extensions["x-concurrency"], maxConcurrency)
	if err != nil {
		return errors.New("x-concurrency must be a number of requests, at least 1")
	}
	o.Concurrency = int(most)
	if text, given := extensions["x-timeout"]; given {
		spelled, _ := text.(string)
		if o.Timeout, err = time.ParseDuration(spelled); err != nil || o.Timeout < time.Millisecond || o.Timeout > maxTimeout {
			return errors.New("x-timeout must be a duration such as 90s, between 1ms and 1h")
		}
	}
	return nil
}

// pledge adds to answers the headers that tell a caller what is left of the limits. They are in the bundle without a contract
// saying so.
func pledge(responses map[string]any) {
	for status, response := range responses {
		body, own := response.(map[string]any)
		if _, shared := body["$ref"]; !own || shared {
			continue
		}
		headers := map[string]any{}
		if declared, some := body["headers"].(map[string]any); some {
			maps.Copy(headers, declared)
		}
		for _, name := range []string{"RateLimit", "RateLimit-Policy"} {
			headers[name] = map[string]any{"$ref": "#/components/headers/" + name}
		}
		body = maps.Clone(body)
		body["headers"] = headers
		responses[status] = body
	}
}

// whole reads a number from 1 to most; nothing is 0.
func whole(value any, most float64) (int64, error) {
	if value == nil {
		return 0, nil
	}
	n, ok := value.(float64)
	if !ok || n < 1 || n > most || n != float64(int64(n)) {
		return 0, errors.New("not in range")
	}
	return int64(n), nil
}
