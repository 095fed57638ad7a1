package httploop

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
)

var dates = regexp.MustCompile(`Date: [^\r]*\r\n`)

const (
	bye  = "GET /bye HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	more = "X-A: 1\r\nx-b:2\r\nX-A:  3 \t\r\n"
)

// foreignRequests are for net/http to judge.
var foreignRequests = map[string]string{
	"another path":             "GET /theirs HTTP/1.1\r\nHost: x\r\n\r\n",
	"another method":           "OPTIONS /ours HTTP/1.1\r\nHost: x\r\n\r\n",
	"HEAD":                     "HEAD /ours HTTP/1.1\r\nHost: x\r\n\r\n",
	"lower case":               "get /ours HTTP/1.1\r\nHost: x\r\n\r\n",
	"no method":                " /ours HTTP/1.1\r\nHost: x\r\n\r\n",
	"nonsense":                 "nonsense\r\n\r\n",
	"nonsense, one line":       "nonsense\r\n",
	"HTTP/1.0":                 "GET /ours HTTP/1.0\r\nHost: x\r\n\r\n",
	"HTTP/1.0, kept alive":     "GET /ours HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
	"HTTP/1.2":                 "GET /ours HTTP/1.2\r\nHost: x\r\n\r\n",
	"HTTP/2":                   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"absolute form":            "GET http://x/ours HTTP/1.1\r\nHost: y\r\n\r\n",
	"asterisk form":            "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	"two spaces":               "GET  /ours HTTP/1.1\r\nHost: x\r\n\r\n",
	"a space in the target":    "GET /ours a HTTP/1.1\r\nHost: x\r\n\r\n",
	"a tab in the target":      "GET /ours\ta HTTP/1.1\r\nHost: x\r\n\r\n",
	"a fragment":               "GET /ours#a HTTP/1.1\r\nHost: x\r\n\r\n",
	"not ASCII":                "GET /ours\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n",
	"bad escape":               "GET /ours%zz HTTP/1.1\r\nHost: x\r\n\r\n",
	"a bare LF":                "GET /ours HTTP/1.1\nHost: x\n\n",
	"a bare LF in the middle":  "GET /ours HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
	"a bare CR":                "GET /ours HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
	"no Host":                  "GET /ours HTTP/1.1\r\nX: y\r\n\r\n",
	"an empty Host":            "GET /ours HTTP/1.1\r\nHost:\r\n\r\n",
	"two Hosts":                "GET /ours HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
	"a bad Host":               "GET /ours HTTP/1.1\r\nHost: x y\r\n\r\n",
	"a folded line":            "GET /ours HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\n\r\n",
	"a first folded line":      "GET /ours HTTP/1.1\r\n Host: x\r\n\r\n",
	"a space before the colon": "GET /ours HTTP/1.1\r\nHost : x\r\n\r\n",
	"no colon":                 "GET /ours HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
	"no name":                  "GET /ours HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
	"a bad name":               "GET /ours HTTP/1.1\r\nHost: x\r\nX\"Y: y\r\n\r\n",
	"a NUL":                    "GET /ours HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
	"a DEL":                    "GET /ours HTTP/1.1\r\nHost: x\r\nX: \x7f\r\n\r\n",
	"two lengths":              "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
	"a length twice":           "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1",
	"a list of lengths":        "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n1",
	"a signed length":          "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n1",
	"a negative length":        "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
	"an empty length":          "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n",
	"a huge length":            "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
	"more than MaxBody":        "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n" + strings.Repeat("a", 1<<20+1),
	"a GET with a body":        "GET /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
	"chunks":                   "POST /ours HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
	"chunks and a length":      "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
	"an unknown coding":        "POST /ours HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	"trailers":                 "POST /ours HTTP/1.1\r\nHost: x\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
	"an expectation":           "POST /ours HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n1",
	"an unknown expectation":   "GET /ours HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n",
	"an upgrade":               "GET /ours HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"the last one":             "GET /ours HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	"two Connections":          "GET /ours HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: keep-alive\r\n\r\n",
	"a list of Connections":    "GET /ours HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, X\r\n\r\n",
	"a proxy's":                "GET /ours HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n\r\n",
	"a long head":              "GET /ours HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", maxHead) + "\r\n\r\n",
	"a long line":              "GET /ours?" + strings.Repeat("y", maxHead) + " HTTP/1.1\r\nHost: x\r\n\r\n",
	"an empty line first":      "\r\nGET /ours HTTP/1.1\r\nHost: x\r\n\r\n",
	"an empty request":         "\r\n\r\n",
	"TLS":                      "\x16\x03\x01\x00\x05hello\n",
}

// plainRequests are answered without net/http.
var plainRequests = map[string]string{
	"a GET":                 "GET /ours HTTP/1.1\r\nHost: x\r\n\r\n",
	"headers":               "GET /ours/?a=b&c=%20 HTTP/1.1\r\nHost: x:1\r\n" + more + "\r\n",
	"escapes":               "GET /ours/%41%2fb|c?%zz&=?? HTTP/1.1\r\nhOST:[::1]:1\r\nConnection: Keep-Alive\r\n\r\n",
	"an empty query":        "GET /ours? HTTP/1.1\r\nHost: x\r\n\r\n",
	"two slashes":           "GET /ours//x HTTP/1.1\r\nHost: x\r\n\r\n",
	"empty values":          "GET /ours HTTP/1.1\r\nHost: x\r\nX:\r\nY: \t \r\n\r\n",
	"not ASCII":             "GET /ours HTTP/1.1\r\nHost: x\r\nX: \xc3\xa4\xff\tb\r\n\r\n",
	"Pragma":                "GET /ours HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\n\r\n",
	"Pragma, Cache-Control": "GET /ours HTTP/1.1\r\nHost: x\r\nPragma: no-cache\r\nCache-Control: max-age=0\r\n\r\n",
	"a POST":                "POST /ours HTTP/1.1\r\nHost: x\r\ncontent-length: 0003\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\nabc",
	"a POST of nothing":     "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"a POST without length": "POST /ours HTTP/1.1\r\nHost: x\r\n\r\n",
	"a GET of length 0":     "GET /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"a line end behind":     "POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na\r\n" + get,
	"a large POST":          post(strings.Repeat("a", 300_000)),
	"many headers":          "GET /ours HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("a:b\r\n", 1000) + "\r\n",
}

// conversation sends something behind a GET, and returns all that is answered, without the dates, and how many of the requests
// were answered here.
func conversation(t *testing.T, off bool, text string) (all string, here int64) {
	var count atomic.Int64
	x := start(t, func(w http.ResponseWriter, r *http.Request) {
		if ours(w) {
			count.Add(1)
		}
		echo(w, r)
	}, off)
	c := x.dial()
	c.send(get)
	if first := c.read(); first.status != http.StatusOK || !off && count.Load() != 1 {
		t.Fatalf("the first GET got %d", first.status)
	}
	go func() { _, _ = io.WriteString(c, text+bye) }() // both sides may have to wait for the other one to read
	b, _ := io.ReadAll(c.r)                            // fails where net/http does not read everything
	return dates.ReplaceAllString(string(b), ""), max(0, count.Load()-1)
}

// What is not plain is answered as if nobody had taken the connection from net/http, because it does answer it.
func TestForeignRequests(t *testing.T) {
	for name, text := range foreignRequests {
		t.Run(name, func(t *testing.T) {
			want, _ := conversation(t, true, text)
			got, here := conversation(t, false, text)
			if got != want || here > 0 {
				t.Errorf("got %.500q (%d answered here), want %.500q", got, here, want)
			}
		})
	}
}

// What is plain is answered as net/http would answer it, but for the order of headers.
func TestPlainRequests(t *testing.T) {
	for name, text := range plainRequests {
		t.Run(name, func(t *testing.T) {
			want, _ := conversation(t, true, text)
			got, here := conversation(t, false, text)
			if sorted(got) != sorted(want) || here == 0 {
				t.Errorf("got %.500q (%d answered here), want %.500q", got, here, want)
			}
		})
	}
}

// sorted has the header lines of responses in the order of net/http.
func sorted(s string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(s, "HTTP/1.1 ") {
		head, body, _ := strings.Cut(part, "\r\n\r\n")
		lines := map[string]string{}
		status, fields, _ := strings.Cut(head, "\r\n")
		for l := range strings.SplitSeq(fields, "\r\n") {
			k, v, _ := strings.Cut(l, ":")
			lines[k] += v
		}
		_, _ = fmt.Fprintln(&b, status, lines, body)
	}
	return b.String()
}

// Wherever the bytes of requests are cut, there is nothing else to see than a request that is not complete.
func TestEveryPrefixIsPartial(t *testing.T) {
	for name, text := range plainRequests {
		head := text[:strings.Index(text, "\r\n\r\n")+4]
		for i := range len(head) {
			if _, _, v := scan([]byte(head[:i]), maxHead); v != partial {
				t.Fatalf("%s: %d bytes of it are %d", name, i, v)
			}
		}
		n, _, v := scan([]byte(text), maxHead)
		if v != whole || n != len(head) {
			t.Errorf("%s: %d, %d bytes of %d", name, v, n, len(head))
		}
	}
}

// Requests in pieces, and several in one.
func TestPieces(t *testing.T) {
	x := start(t, echo, false)
	text := get + post("one") + plainRequests["headers"] + post("two") + get
	for _, size := range []int{1, 7, 50, 100, len(text)} {
		c := x.taken()
		go func() {
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				_, _ = io.WriteString(c, rest[:n])
				rest = rest[n:]
			}
		}()
		for _, want := range []string{"GET /ours ", `body="one"`, "GET /ours/?a=b", `body="two"`, "GET /ours "} {
			if got := c.read(); !strings.Contains(got.body, want) {
				t.Fatalf("in pieces of %d: got %q, want %q", size, got.body, want)
			}
		}
		_ = c.Close()
	}
}
