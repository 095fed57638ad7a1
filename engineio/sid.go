package engineio

import (
	"crypto/rand"
	"encoding/base64"
)

// sidBytes is the randomness of a session id: 120 bits, 20 characters. The official ids have as many characters, with 96
// random bits and a counter.
const sidBytes = 15

// newID returns a fresh id that nobody can guess.
func newID() string {
	var b [sidBytes]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}
