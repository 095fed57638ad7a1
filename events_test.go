package socketio_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/siotest"
)

// inMemory runs a test in a bubble for each transport, with a server and a client of the namespaces
// given.
func inMemory(
	t *testing.T,
	c socketio.Config,
	namespaces []string,
	test func(t *testing.T, s *socketio.Server, clients []*siotest.Client),
) {
	t.Helper()
	for _, transport := range []socketio.Transport{socketio.Polling, socketio.WebSocket} {
		t.Run(transport.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.Logger == nil {
					c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
				}
				s := socketio.New(c)
				srv := siotest.Serve(t, s)
				conn, err := srv.Dial(t.Context(), siotest.Options{
					Transport: transport, Query: url.Values{"key": {"a&é"}}, Header: http.Header{"X-Custom": {"one", "two"}},
				})
				if err != nil {
					t.Fatal(err)
				}
				var clients []*siotest.Client
				for _, name := range namespaces {
					s.Of(name)
					x, err := conn.Join(t.Context(), name, nil)
					if err != nil {
						t.Fatal(err)
					}
					clients = append(clients, x)
				}
				test(t, s, clients)
			})
		})
	}
}

// What either side sends arrives at the other as it was.
func TestWhatIsSentArrives(t *testing.T) {
	picture := bytes.Repeat([]byte{0xff, 0xd8, 0, 1, 0x1e, '\n'}, 2000)
	document := map[string]any{"list": make([]any, 0, 5000)}
	for i := range 5000 {
		document["list"] = append(
			document["list"].([]any),
			map[string]any{"n": float64(i), "text": fmt.Sprint("é€🔑 ", i), "none": nil},
		)
	}
	for name, c := range map[string]struct {
		covers string
		args   []any
	}{
		"number, string, array": {"socketio/socket/3", []any{1.0, "2", []any{3.0}}},
		"null":                  {"socketio/socket/5", []any{nil}},
		"string":                {"socketio/socket/7", []any{"woot"}},
		"several bytes each":    {"socketio/socket/8", []any{"てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß"}},
		"picture":               {"socketio/socket/9 socketio/socket/11", []any{picture}},
		"text and buffers": {"socketio/socket/10 socketio/socket/12",
			[]any{"text", []byte{1}, map[string]any{"deep": []any{[]byte{}, []byte{2, 3}, "x"}}, 4.0}},
		"large document": {"socketio/socket/40", []any{document}},
		"large buffer":   {"socketio/socket/41", []any{bytes.Repeat([]byte{7}, 700_000)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Attr("covers", c.covers)
			inMemory(t, socketio.Config{}, []string{"/"}, func(t *testing.T, s *socketio.Server, clients []*siotest.Client) {
				s.Handle("e", func(e *socketio.Event) error {
					if !reflect.DeepEqual(c.args, e.Args()) {
						t.Errorf("the server got %.200v", e.Args())
					}
					return e.Socket().Emit("e", c.args...)
				})
				if err := clients[0].Emit("e", c.args...); err != nil {
					t.Fatal(err)
				}
				m, err := clients[0].Receive(t.Context(), "e")
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(c.args, m.Args()) {
					t.Errorf("the client got %.200v", m.Args())
				}
			})
		})
	}
}

// send is the event "message", both ways.
func TestSendIsMessage(t *testing.T) {
	t.Attr("covers", "socketio/socket/4 socketio/socket/23")
	inMemory(t, socketio.Config{}, []string{"/"}, func(t *testing.T, s *socketio.Server, clients []*siotest.Client) {
		socketio.On(s, "message", func(e *socketio.Event, text string) error { return e.Socket().Send(text, "back") })
		_ = clients[0].Emit("message", "a")
		if m, err := clients[0].Next(t.Context()); err != nil || m.String() != "message[a back]" {
			t.Errorf("got %v, %v", m, err)
		}
	})
}

func TestNamespacedEventsInOrder(t *testing.T) {
	t.Attr("covers", "socketio/socket/25")
	inMemory(
		t,
		socketio.Config{},
		[]string{"/", "/ns"},
		func(t *testing.T, s *socketio.Server, clients []*siotest.Client) {
			socketio.On(s.Of("/ns"), "e", func(e *socketio.Event, i int) error { return e.Socket().Emit("back", i) })
			for i := range 50 {
				_ = clients[1].Emit("e", i)
			}
			for i := range 50 {
				if m, err := clients[1].Next(t.Context()); err != nil || m.String() != fmt.Sprint("back", []any{i}) {
					t.Fatalf("event %d is %v, %v", i, m, err)
				}
			}
			if n := clients[0].Pending(); n != 0 {
				t.Errorf("%d events in the other namespace", n)
			}
		},
	)
}

// The connection and its first request can be seen from each of its sockets.
func TestConnectionAndRequest(t *testing.T) {
	t.Attr("covers", "socketio/socket/34 socketio/socket/36 socketio/socket/37")
	inMemory(
		t,
		socketio.Config{},
		[]string{"/", "/ns"},
		func(t *testing.T, s *socketio.Server, clients []*siotest.Client) {
			a, _ := s.Socket(clients[0].ID())
			b, _ := s.Of("/ns").Socket(clients[1].ID())
			if a.Conn() != b.Conn() || a.Conn().ID() != clients[0].Conn().ID() || a.Conn().Protocol() != 4 {
				t.Error("they are not over one connection")
			}
			h := b.Handshake()
			if got := h.Header()["X-Custom"]; strings.Join(got, " ") != "one two" {
				t.Errorf("header %q", got)
			}
			if !strings.HasPrefix(h.URL, "/socket.io/?") || !strings.Contains(h.URL, "key=a%26%C3%A9") ||
				h.Query().Get("key") != "a&é" ||
				h.Query().Get("EIO") != "4" {
				t.Errorf("URL %s, query %v", h.URL, h.Query())
			}
			if h.Secure || h.CrossDomain || h.RemoteAddr == "" || h.Time.IsZero() || string(h.Auth) != "{}" {
				t.Errorf("%+v", h)
			}
		},
	)
}

// A packet whose attachments cannot be counted is an error of its socket, and then the end of the
// connection.
func TestIllegalAttachments(t *testing.T) {
	t.Attr("covers", "socketio/socket/47 socketio/socket/48")
	for _, packet := range []string{`45`, `45["x"]`, `45a-["x"]`, `451["x"]`, `450-["x"]`, `46`} {
		t.Run(packet, func(t *testing.T) {
			reported := make(chan string, 1)
			s, e := serve(t, socketio.Config{OnError: func(s *socketio.Socket, err error) { reported <- s.ID() + err.Error() }})
			reasons := make(chan socketio.Reason, 1)
			s.OnDisconnect(func(_ *socketio.Socket, r socketio.Reason) { reasons <- r })
			conn := e.WebSocket()
			id := conn.Join("/", "")
			conn.Send(packet)
			if got := wait(t, reported); got != id+"Illegal attachments" {
				t.Errorf("reported %s", got)
			}
			conn.WantClose()
			if r := wait(t, reasons); r != socketio.ReasonForcedClose {
				t.Errorf("reason %s", r)
			}
			e.WebSocket().Join("/", "") // others go on
		})
	}
}

func TestDisconnectSocketsOfAll(t *testing.T) {
	t.Attr("covers", "socketio/utility-methods/8")
	inMemory(
		t,
		socketio.Config{},
		[]string{"/", "/ns"},
		func(t *testing.T, s *socketio.Server, clients []*siotest.Client) {
			if err := s.DisconnectSockets(true); err != nil {
				t.Fatal(err)
			}
			for _, x := range clients {
				<-x.Done()
				if x.Reason() != siotest.ReasonServerDisconnect {
					t.Errorf("%s: %s", x.Namespace(), x.Reason())
				}
			}
			<-clients[0].Conn().Done()
		},
	)
}

// A socket that is disconnected while its client is about to upgrade is gone, and that is all.
func TestDisconnectBeforeUpgrade(t *testing.T) {
	t.Attr("covers", "socketio/uws/11")
	s, e := serve(t, socketio.Config{UpgradeTimeout: 50 * time.Millisecond})
	gone := make(chan struct{}, 1)
	s.OnDisconnect(func(*socketio.Socket, socketio.Reason) { gone <- struct{}{} })
	p := e.Polling()
	x, _ := s.Socket(p.Join("/", ""))
	x.Disconnect(true)
	wait(t, gone)
	ctx := t.Context()
	if conn, err := e.Dial(ctx, "EIO=4&transport=websocket&sid="+p.Sid, nil); err == nil {
		if text, _, err := conn.Next(); err == nil {
			t.Errorf("got %q", text)
		}
		conn.Close()
	}
	e.WebSocket().Join("/", "")
	if n := len(s.Sockets()); n != 1 {
		t.Errorf("%d sockets", n)
	}
}

// A long string is a part of its event's payload: it stays what it is when other events have come,
// whoever holds it.
func TestStringsAreTheReceivers(t *testing.T) {
	f := start(t)
	var kept, want []string
	f.Of("/").Handle("keep", func(e *socketio.Event) error {
		var n int
		var s string
		if err := e.Decode(&n, &s); err != nil {
			return err
		}
		args := e.Args()
		again := args[1].(string)
		if args[0] != float64(n) || again != s {
			t.Errorf("Args are %v, Decode gave %v and %q", args, n, s)
		}
		kept = append(kept, s, again)
		// An any that holds a pointer has what it points to decoded.
		var target string
		var v any = &target
		if err := e.Decode(new(int), &v); err != nil || target != s || v != any(&target) {
			t.Errorf("decoded %q, the any holds %T: %v", target, v, err)
		}
		return e.Ack(n)
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	for i := range 50 {
		text := strings.Repeat(fmt.Sprint(i, ",é\n"), i)
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.Repeat(fmt.Sprint(i, ",é"), 2*i)
		want = append(want, text, text, plain, plain)
		conn.Send(fmt.Sprintf(`420["keep",%d,%s]`, i, raw))
		conn.Want(fmt.Sprintf("430[%d]", i))
		conn.Send(fmt.Sprintf(`420["keep",%d,"%s","%s"]`, i, plain, strings.Repeat("x", i*i)))
		conn.Want(fmt.Sprintf("430[%d]", i))
	}
	if !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
}

// Whoever keeps a small part of a large payload keeps only that.
func TestASmallStringIsACopy(t *testing.T) {
	f := start(t)
	main := f.Of("/")
	var short, long bool // whether a string is the payload's memory
	main.Handle("measure", func(e *socketio.Event) error {
		var a, b, c, d string
		if err := errors.Join(e.Decode(&a, &b), e.Decode(&c, &d)); err != nil {
			return err
		}
		short, long = unsafe.StringData(a) == unsafe.StringData(c), unsafe.StringData(b) == unsafe.StringData(d)
		return e.Ack()
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`420["measure","` + strings.Repeat("s", 200) + `","` + strings.Repeat("l", 2000) + `"]`)
	conn.Want("430[]")
	if short || !long {
		t.Errorf("a short string is shared: %v; a long one: %v", short, long)
	}
}
