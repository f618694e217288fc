package idempotency

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
)

// Answer is what a request was answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// kept is what is sealed in a row: an answer, and to what.
type kept struct {
	Fingerprint [sha256.Size]byte `json:"-"`
	Status      int               `json:"status"`
	Header      http.Header       `json:"header,omitempty"`
	TooLarge    bool              `json:"too_large,omitempty"` // the body was
	body        []byte
}

// transient headers belong to one response. Cookies are never given out twice.
var transient = []string{"Date", "Connection", "Set-Cookie", "X-Request-Id", "Retry-After", Replayed}

func keep(fingerprint [sha256.Size]byte, a *Answer, most int) *kept {
	header := a.Header.Clone()
	for _, name := range transient {
		header.Del(name)
	}
	k := &kept{Fingerprint: fingerprint, Status: a.Status, Header: header, body: a.Body}
	if len(a.Body) > most {
		k.TooLarge, k.Header, k.body = true, nil, nil
	}
	return k
}

// encode writes the fingerprint, then the length of the head, the head in JSON, and the body as it is.
func (k *kept) encode() ([]byte, error) {
	head, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(k.Fingerprint)+4+len(head)+len(k.body))
	b = append(b, k.Fingerprint[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(head))) //nolint:gosec // a server refuses headers of 4 GB
	b = append(b, head...)
	return append(b, k.body...), nil
}

var errEncoding = errors.New("a kept answer cannot be read")

func decode(b []byte) (*kept, error) {
	k := &kept{}
	if len(b) < len(k.Fingerprint)+4 {
		return nil, errEncoding
	}
	b = b[copy(k.Fingerprint[:], b):]
	size, b := binary.BigEndian.Uint32(b), b[4:]
	if uint64(size) > uint64(len(b)) {
		return nil, errEncoding
	}
	if err := json.Unmarshal(b[:size], k); err != nil {
		return nil, errors.Join(errEncoding, err)
	}
	k.body = b[size:]
	return k, nil
}
