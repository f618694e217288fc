package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

const (
	maxData  = 64 << 10 // bytes, as JSON
	maxItems = 1000     // of a list
)

// number is a number of the data. It is a fraction, because a template could count up to a whole number, and shows itself
// without an exponent.
type number float64

func (n number) String() string { return strconv.FormatFloat(float64(n), 'f', -1, 64) }

// fieldsOf makes of the data what a template sees. What is null is missing, so that it cannot become a text by itself.
func fieldsOf(data any) (map[string]any, error) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode the data: %w", err)
	}
	if len(encoded) > maxData {
		return nil, fmt.Errorf("the data has more than %d bytes", maxData)
	}
	if string(encoded) == "null" {
		return map[string]any{}, nil
	}
	var fields map[string]any
	if err := json.NewDecoder(bytes.NewReader(encoded)).Decode(&fields); err != nil || fields == nil {
		return nil, errors.New("the data is not an object")
	}
	_, err = plain(fields)
	return fields, err
}

// plain replaces numbers and removes nulls below v.
func plain(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case float64:
		return number(v), nil
	case map[string]any:
		for name, value := range v {
			if value == nil {
				delete(v, name)
			} else if v[name], err = plain(value); err != nil {
				return nil, err
			}
		}
	case []any:
		if len(v) > maxItems {
			return nil, fmt.Errorf("a list in the data has more than %d items", maxItems)
		}
		for i, value := range v {
			if value == nil {
				return nil, errors.New("a list in the data holds null")
			}
			if v[i], err = plain(value); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
