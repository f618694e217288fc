package contract

import "errors"

// KeyUse says which API keys may call an operation.
type KeyUse int

// The zero value lets no key in.
const (
	NoKeys       KeyUse = iota
	PersonalKeys        // those that act as a user (x-api-key: personal)
	AllKeys
)

// keyUse reads x-api-key. Without it, keys may call what needs a permission.
func keyUse(op Operation, given any) (KeyUse, error) {
	if given != nil && op.Access == Public && !op.Optional {
		return NoKeys, errors.New("x-api-key has no meaning where nobody has to say who they are")
	}
	switch {
	case given == nil && op.Access == Permitted, given == true:
		return AllKeys, nil
	case given == nil, given == false:
		return NoKeys, nil
	case given == "personal":
		return PersonalKeys, nil
	}
	return NoKeys, errors.New("x-api-key can only be true, false or personal")
}
