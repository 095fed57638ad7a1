package protocol

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// appendFloat appends a number as JavaScript writes it (ECMA-262,
// Number::toString): the shortest digits that read back, an exponent below 1e-6
// and from 1e21 on, 0 for -0, and null for what JSON cannot express.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case f == 0:
		return append(dst, '0')
	case math.IsNaN(f) || math.IsInf(f, 0):
		return append(dst, "null"...)
	}
	abs := math.Abs(f)
	low, high := abs < 1e-6, abs >= 1e21
	if bits == 32 {
		low, high = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if !low && !high {
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	if n := len(dst); low && dst[n-2] == '0' && dst[n-3] == '-' {
		// e-09 is e-9 in JavaScript.
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendNumber appends a json.Number; the empty one is 0, as in encoding/json.
func appendNumber(dst []byte, n json.Number) ([]byte, error) {
	if n == "" {
		return append(dst, '0'), nil
	}
	if !validNumber(string(n)) {
		return dst, fmt.Errorf("%w: json.Number %q is no number", ErrEncode, n)
	}
	return append(dst, n...), nil
}

func validNumber(s string) bool {
	return s != "" && (s[0] == '-' || '0' <= s[0] && s[0] <= '9') && scanNumber([]byte(s), 0) == len(s)
}
