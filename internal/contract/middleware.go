package contract

import (
	"errors"
	"fmt"
	"slices"
)

// middleware reads x-middleware. Whether there are such names is for whoever knows what modules contribute.
func middleware(given any) ([]string, error) {
	if given == nil {
		return nil, nil
	}
	list, _ := given.([]any)
	if len(list) == 0 {
		return nil, errors.New("x-middleware must be a list of names")
	}
	var names []string
	for _, one := range list {
		name, ok := one.(string)
		if !ok || name == "" {
			return nil, errors.New("x-middleware must be a list of names")
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("x-middleware names %s twice", name)
		}
		names = append(names, name)
	}
	return names, nil
}
