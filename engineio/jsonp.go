package engineio

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// JSONP is long-polling for pages that can only load scripts (protocol v3, "JSONP"): a response is a script that hands the
// payload to a function of the page, a POST comes from a form.

// jsonpCallback returns the digits of the parameter j, and whether there is one.
func jsonpCallback(r *http.Request) (digits string, ok bool) {
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if k, v, _ := strings.Cut(pair, "="); unescape(k) == "j" {
			digits, ok = unescape(v), true
		}
	}
	if !ok {
		return "", false
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, digits), true
}

// wrapJSONP makes a script of a payload. U+2028 and U+2029, which would end a line of it, are escaped.
func wrapJSONP(callback string, payload []byte) []byte {
	var b bytes.Buffer
	b.WriteString("___eio[" + callback + "](")
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(string(payload)) // strings encode, buffers do not fail
	b.Truncate(b.Len() - 1)       // the encoder ends with a newline
	b.WriteString(");")
	return b.Bytes()
}

// unwrapJSONP returns the payload of a form: its field d. ok is false when it has none, or several, which is no error.
// A form turns newlines into CRLF, so that clients escape them: \n is a newline and \\n is \n.
func unwrapJSONP(form []byte) (payload []byte, ok bool) {
	n := 0
	for pair := range bytes.SplitSeq(form, []byte("&")) {
		if k, v, _ := bytes.Cut(pair, []byte("=")); unescape(string(k)) == "d" {
			payload = []byte(newlines.Replace(unescape(string(v))))
			n++
		}
	}
	return payload, n == 1
}

// newlines tries its pairs in this order at each position.
var newlines = strings.NewReplacer(`\\n`, `\n`, `\n`, "\n")
