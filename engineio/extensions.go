package engineio

import (
	"net/http"
	"strings"

	"github.com/gosocketio/socketio/internal/httpfield"
)

// deflateAccepted is the answer to an acceptable offer. Neither side keeps its window from one message to the next; a server
// may ask that of the client without having been offered it (RFC 7692 section 7.1.1.2).
const deflateAccepted = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// deflateWindow is added where the client named a window for the server: an offer with one is accepted with one.
const deflateWindow = "; server_max_window_bits=15"

// negotiateDeflate answers the extensions that a handshake offers. An offer that cannot be accepted is declined: the
// connection then does without (RFC 7692 section 5.1). ok is false when the header breaks the grammar of RFC 6455, section 9.1.
func (e *Server) negotiateDeflate(h http.Header, r *http.Request) (agreed, ok bool) {
	offers := r.Header["Sec-Websocket-Extensions"]
	if e.deflate == nil || len(offers) == 0 {
		return false, true
	}
	answer := ""
	for _, line := range offers {
		accepted, valid := acceptDeflate(line)
		if !valid {
			return false, false
		}
		if answer == "" {
			answer = accepted
		}
	}
	if answer != "" {
		h.Set("Sec-WebSocket-Extensions", answer)
	}
	return answer != "", true
}

// acceptDeflate looks in one line of the header for the first offer of permessage-deflate that can be accepted, and returns the
// answer to it. It reads the line once and keeps nothing of it.
func acceptDeflate(line string) (answer string, valid bool) {
	s := scanner{rest: line}
	for {
		s.space()
		name := s.token()
		if name == "" {
			return "", false
		}
		var o deflateOffer
		for s.space(); s.take(';'); s.space() {
			s.space()
			param := s.token()
			if param == "" {
				return "", false
			}
			value, hasValue := "", s.take('=')
			if hasValue {
				if value = s.value(); value == "" {
					return "", false
				}
			}
			o.param(param, value, hasValue)
		}
		if name == "permessage-deflate" && !o.bad && answer == "" {
			answer = deflateAccepted
			if o.seen[3] {
				answer += deflateWindow
			}
		}
		if s.rest == "" {
			return answer, true
		}
		if !s.take(',') {
			return "", false
		}
	}
}

// deflateOffer judges the parameters of an offer (RFC 7692 section 7.1).
type deflateOffer struct {
	seen [4]bool
	bad  bool
}

func (o *deflateOffer) param(name, value string, hasValue bool) {
	i := 0
	switch name {
	case "server_no_context_takeover":
		o.bad = o.bad || hasValue
	case "client_no_context_takeover":
		i = 1
		o.bad = o.bad || hasValue
	case "client_max_window_bits": // a promise that is not taken up
		i = 2
		_, ok := windowBits(value)
		o.bad = o.bad || hasValue && !ok
	case "server_max_window_bits":
		i = 3
		// What is compressed once for everybody has the full window.
		bits, ok := windowBits(value)
		o.bad = o.bad || !ok || bits < 15
	default:
		o.bad = true
		return
	}
	o.bad = o.bad || o.seen[i]
	o.seen[i] = true
}

// windowBits reads a number from 8 to 15 without leading zeros.
func windowBits(s string) (bits int, ok bool) {
	switch {
	case s == "8", s == "9":
		return int(s[0] - '0'), true
	case len(s) == 2 && s[0] == '1' && s[1] >= '0' && s[1] <= '5':
		return 10 + int(s[1]-'0'), true
	}
	return 0, false
}

// scanner reads a header value from left to right.
type scanner struct{ rest string }

func (s *scanner) space() { s.rest = strings.TrimLeft(s.rest, " \t") }

func (s *scanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// token returns the token that comes next, "" when there is none.
func (s *scanner) token() (t string) {
	n := 0
	for n < len(s.rest) && httpfield.IsTokenChar(s.rest[n]) {
		n++
	}
	t, s.rest = s.rest[:n], s.rest[n:]
	return t
}

// value returns a parameter's value: a token, or one in quotes, "" when there is none. Of the parameters that mean something
// here none needs a backslash, so one breaks the grammar.
func (s *scanner) value() string {
	if !s.take('"') {
		return s.token()
	}
	v := s.token()
	if !s.take('"') {
		return ""
	}
	return v
}
