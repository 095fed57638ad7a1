package engineio_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

// A page that can only load scripts polls with them and uploads with forms, in both revisions of the protocol.
func TestJSONP(t *testing.T) {
	for version, payloads := range map[string]func(packets ...string) string{
		"3": func(packets ...string) string {
			b := ""
			for _, p := range packets {
				b += string(rune('0'+len([]rune(p)))) + ":" + p
			}
			return b
		},
		"4": func(packets ...string) string { return strings.Join(packets, "\x1e") },
	} {
		t.Run(version, func(t *testing.T) {
			s := v3(t, engineio.Config{MaxPayload: 200})
			opened := s.request("GET", "transport=polling&b64=1&j=1a2&EIO="+version, "")
			body, wrapped := strings.CutPrefix(opened.body, "___eio[12](\"")
			if !wrapped || !strings.HasSuffix(body, "\");") || opened.header.Get("Content-Type") != "text/plain; charset=UTF-8" {
				t.Fatalf("got %+v", opened)
			}
			_, id, _ := strings.Cut(body, `\"sid\":\"`)
			id, _, _ = strings.Cut(id, `\"`)
			q := "transport=polling&b64=1&j=12&EIO=" + version + "&sid=" + id

			upload := func(payload string) reply {
				return s.post(q, "application/x-www-form-urlencoded", "d="+url.QueryEscape(payload))
			}
			s.wantReply(upload(payloads("4a<b", "4€\u2028")), 200, "ok")
			want := `___eio[12]("` + strings.ReplaceAll(payloads("4a<b", `4€`), "\x1e", `\u001e`) + `\u2028");`
			if version == "3" {
				want = `___eio[12]("4:4a<b3:4€\u2028");`
			}
			s.wantReply(s.request("GET", q, ""), 200, want)

			// Newlines come escaped.
			s.wantReply(upload(strings.ReplaceAll(payloads("4a\nb"), "\n", `\n`)), 200, "ok")
			s.wantReply(s.request("GET", q, ""), 200, `___eio[12]("`+strings.ReplaceAll(payloads("4a\nb"), "\n", `\n`)+`");`)
			s.wantReply(upload(strings.ReplaceAll(payloads(`4a\nb`), `\n`, `\\n`)), 200, "ok")
			s.wantReply(s.request("GET", q, ""), 200, `___eio[12]("`+strings.ReplaceAll(payloads(`4a\nb`), `\n`, `\\n`)+`");`)

			// Without its field the form is empty, which is fine.
			s.wantReply(s.post(q, "application/x-www-form-urlencoded", "e=4x"), 200, "ok")
			s.wantReply(s.post(q, "application/x-www-form-urlencoded", ""), 200, "ok")

			// The limit is that of the body.
			for _, c := range []struct{ size, status int }{{200, 200}, {201, 413}, {20_000, 400}} { // 400: the session is over
				if got := s.post(q, "application/x-www-form-urlencoded", "e="+strings.Repeat("x", c.size-2)); got.status != c.status {
					t.Errorf("%d bytes: %d", c.size, got.status)
				}
			}
		})
	}
}
