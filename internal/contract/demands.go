package contract

import (
	"errors"
	"fmt"

	"github.com/yourorg/platform/pkg/entitlement"
)

// demands reads what an operation asks of the caller's authentication, beyond being one, and of their tenant's plan.
func (o *Operation) demands(extensions map[string]any) error {
	for name, into := range map[string]*bool{"x-step-up": &o.StepUp, "x-mfa-exempt": &o.MFAExempt} {
		switch value := extensions[name]; {
		case value == nil:
		case value != true:
			return fmt.Errorf("%s can only be true", name)
		case o.Access == Public:
			return fmt.Errorf("%s needs x-authenticated or x-permission", name)
		default:
			*into = true
		}
	}
	switch value := extensions["x-quota"]; {
	case value == nil:
	case value == "none" && o.Access != Public:
		o.Uncounted = true
	default:
		return errors.New("x-quota can only be none, and needs x-authenticated or x-permission")
	}
	feature, given := extensions["x-entitlement"]
	if !given {
		return nil
	}
	name, _ := feature.(string)
	o.Entitlement = entitlement.Name(name)
	switch {
	case o.Access == Public:
		return errors.New("x-entitlement needs x-authenticated or x-permission")
	case !o.Entitlement.Valid():
		return errors.New("x-entitlement must be the name of a feature, <module>.<feature>")
	}
	return nil
}
