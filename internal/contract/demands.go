package contract

import "fmt"

// demands reads what an operation asks of the caller's authentication, beyond being one.
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
	return nil
}
