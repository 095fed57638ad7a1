// Package accept chooses the content encoding of a response, as the official server does.
//
// It implements RFC 9110, section 12.5.3. It compresses nothing itself.
package accept

import (
	"strconv"
	"strings"
)

// The content encodings.
const (
	Gzip     = "gzip"
	Deflate  = "deflate" // in the zlib format (RFC 9110 section 8.4.1.2)
	Identity = ""
)

// Encoding returns the content encoding for an Accept-Encoding header.
//
// The acceptable encoding with the highest weight wins; among equals the one that is named exactly,
// not by "*"; then the first, then gzip. As in the official server, Identity is returned only if
// neither gzip nor deflate is acceptable, whatever its own weight.
func Encoding(header string) string {
	best, bestRank := Identity, rank{}
	for _, name := range [...]string{Gzip, Deflate} {
		if r := rankOf(header, name); r.weight > 0 && r.better(bestRank) {
			best, bestRank = name, r
		}
	}
	return best
}

// rank orders encodings by the preference of a client.
type rank struct {
	weight float64
	exact  bool
	order  int
}

func (r rank) better(than rank) bool {
	switch {
	case r.weight != than.weight:
		return r.weight > than.weight
	case r.exact != than.exact:
		return r.exact
	}
	return r.order < than.order
}

// rankOf returns the rank of an encoding in an Accept-Encoding header.
//
// Its exact name takes precedence over "*", so "gzip;q=0, *" refuses gzip.
func rankOf(header, name string) rank {
	var found rank
	order := 0
	for element := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(element, ";")
		coding = strings.TrimSpace(coding)
		exact := strings.EqualFold(coding, name)
		if exact && !found.exact || coding == "*" && found == (rank{}) {
			found = rank{weight: weight(params), exact: exact, order: order}
		}
		order++
	}
	return found
}

// weight returns the parameter q: 1 if it is missing, 0 (refused) unless it is a number from 0 to
// 1.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(key), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
