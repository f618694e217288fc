package identity

import (
	"fmt"

	"github.com/yourorg/platform/pkg/config"
)

// signInRules are the settings of the section "auth" that identity acts on.
type signInRules struct {
	requireVerified bool // auth.require_verified_email
	conceal         bool // auth.register.conceal
}

func newSignInRules(all config.Provider) (r signInRules, err error) {
	for key, into := range map[string]*bool{
		"auth.require_verified_email": &r.requireVerified,
		"auth.register.conceal":       &r.conceal,
	} {
		value, _ := all.Get(key)
		is, ok := value.(bool)
		if !ok {
			return r, fmt.Errorf("the setting %s is not there", key)
		}
		*into = is
	}
	return r, nil
}
