package identity

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"image/png"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

const (
	totpStep = 30 // seconds
	totpSize = 20 // bytes of the secret, RFC 4226, section 4
	qrSize   = 256
)

// totpKind are the codes of authenticator apps (RFC 6238, with what all apps know: SHA-1, 6 digits, 30 seconds). The
// mark is the time step.
type totpKind struct {
	issuer string
	skew   int64 // steps that a code may be early or late
}

var _ factorKind = totpKind{}

func (k totpKind) enrol(u User) (kept []byte, shown enrolment, err error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: k.issuer, AccountName: u.Email, Period: totpStep, SecretSize: totpSize,
		Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return nil, shown, fmt.Errorf("make a TOTP secret: %w", err)
	}
	picture, err := key.Image(qrSize, qrSize)
	if err != nil {
		return nil, shown, fmt.Errorf("draw a QR code: %w", err)
	}
	var qr bytes.Buffer
	if err := png.Encode(&qr, picture); err != nil {
		return nil, shown, fmt.Errorf("encode a QR code: %w", err)
	}
	return []byte(key.Secret()), enrolment{secret: key.Secret(), uri: key.URL(), qr: qr.Bytes()}, nil
}

// verify looks at every step of the window, so that its time does not tell which one it was.
func (k totpKind) verify(kept []byte, last int64, answer string, at time.Time) (mark int64, ok bool, err error) {
	present := at.Unix() / totpStep
	for step := max(present-k.skew, 0); step <= present+k.skew; step++ {
		want, err := hotp.GenerateCodeCustom(string(kept), uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false, fmt.Errorf("make a TOTP code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(answer)) == 1 && step > last {
			mark, ok = step, true
		}
	}
	return mark, ok, nil
}
