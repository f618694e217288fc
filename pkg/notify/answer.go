package notify

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Answered makes an error of the answer of a provider that speaks HTTP, or nil when it took what it was sent. What the
// caller has said wrong is Permanent. What may pass, and what the operator has to mend, such as credentials, is tried
// again, not before the provider's Retry-After has passed. detail is what the provider says, without what was delivered.
func Answered(provider string, answer *http.Response, detail string) error {
	status := answer.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	err := fmt.Errorf("%s answered %d", provider, status)
	if detail != "" {
		err = fmt.Errorf("%w: %s", err, detail)
	}
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		if seconds, convert := strconv.Atoi(answer.Header.Get("Retry-After")); convert == nil && seconds > 0 {
			return Busy(err, time.Duration(min(seconds, 86400))*time.Second)
		}
		return err
	case status < 400, status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return err
	}
	return Permanent(err)
}
