package engineio_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Where each limit of Config is tested at the limit, one above and far above, over every transport that it concerns.
var limits = map[string]func(*testing.T){
	"PingInterval":         TestHeartbeatIsMeasured,
	"PingTimeout":          TestHeartbeatIsMeasured,
	"UpgradeTimeout":       TestLimitUpgradeTimeout,
	"MaxPayload":           TestLimitMaxPayload,
	"MaxUntrustedPayload":  TestLimitMaxPayload,
	"MaxHeaderBytes":       TestLimitMaxHeaderBytes,
	"CompressionThreshold": TestCompression,
	"MaxBufferedBytes":     TestLimitMaxBuffered,
	"MaxBufferedPackets":   TestLimitMaxBuffered,
	"WriteTimeout":         TestLimitWriteTimeout,
	"ReadTimeout":          TestLimitReadTimeout,
	"Admission":            TestAdmission,
	"PerMessageDeflate":    TestDeflateEcho, // its threshold; what a message becomes is MaxPayload's
}

func TestEveryLimitIsTested(t *testing.T) {
	for f := range reflect.TypeFor[engineio.Config]().Fields() {
		number := f.Type.Kind() == reflect.Int || f.Type.Kind() == reflect.Int64
		if number && limits[f.Name] == nil {
			t.Errorf("no test of %s is known", f.Name)
		}
	}
	for name := range limits {
		if _, ok := reflect.TypeFor[engineio.Config]().FieldByName(name); !ok {
			t.Errorf("there is no %s", name)
		}
	}
}

const (
	limit = 10 * time.Second
	tick  = time.Millisecond
)

// inMemory serves an engine in the bubble of a synctest.
func inMemory(t *testing.T, c engineio.Config) (*engineio.Server, *rawclient.Endpoint) {
	t.Helper()
	c.PingInterval = time.Hour
	e := newEngine(t, c)
	end := rawclient.ServePipe(t, e)
	end.Path = engineio.DefaultPath
	return e, end
}

// wantSessions lets time pass and fails the test unless there are so many sessions then.
func wantSessions(t *testing.T, e *engineio.Server, after time.Duration, want int) {
	t.Helper()
	time.Sleep(after)
	synctest.Wait()
	if n := e.Sessions(); n != want {
		t.Errorf("%d sessions, want %d", n, want)
	}
}

// A candidate lives for UpgradeTimeout, whether it has probed or not; its session goes on.
func TestLimitUpgradeTimeout(t *testing.T) {
	for name, probes := range map[string]bool{"says nothing": false, "probes": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, end := inMemory(t, engineio.Config{UpgradeTimeout: limit})
				p := end.Polling()
				x, _ := e.Session(p.Sid)
				c, err := end.Dial(t.Context(), direct+"&sid="+p.Sid, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if probes {
					c.Send("2probe")
					c.Want("3probe")
				}
				closed := make(chan struct{})
				go func() { // a pipe has no buffer: somebody must take the close frame
					defer close(closed)
					_, _ = io.Copy(io.Discard, c.Raw())
				}()
				for _, step := range []struct {
					after     time.Duration
					upgrading bool
				}{{limit - tick, true}, {2 * tick, false}} {
					time.Sleep(step.after)
					synctest.Wait()
					if x.Stats().Upgrading != step.upgrading {
						t.Errorf("upgrading: %t", !step.upgrading)
					}
				}
				<-closed
				wantSessions(t, e, 100*limit, 1)
			})
		})
	}
}

// What was written has to be taken within WriteTimeout, over each transport.
func TestLimitWriteTimeout(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, end *rawclient.Endpoint) (sid string, begin func()){
		"polling": func(t *testing.T, end *rawclient.Endpoint) (string, func()) {
			t.Helper()
			p := end.Polling()
			return p.Sid, func() {
				// The response's head is read, its body is not.
				res, err := end.HTTPClient().Get(end.URL + end.Path + "?EIO=4&transport=polling&sid=" + p.Sid)
				if err == nil {
					time.Sleep(10 * limit)
					_ = res.Body.Close()
				}
			}
		},
		"WebSocket": func(_ *testing.T, end *rawclient.Endpoint) (string, func()) { return end.WebSocket().Sid, func() {} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				causes := make(chan error, 1)
				e, end := inMemory(t, engineio.Config{WriteTimeout: limit, NoCompression: true, Events: engineio.Events{Close: func(_ *engineio.Session, _ engineio.Reason, cause error) { causes <- cause }}})
				sid, begin := open(t, end)
				x, _ := e.Session(sid)
				if err := x.Send(make([]byte, 1<<20), false); err != nil {
					t.Fatal(err)
				}
				begun := make(chan struct{})
				go func() {
					defer close(begun)
					begin()
				}()
				wantSessions(t, e, limit-tick, 1)
				wantSessions(t, e, 2*tick, 0)
				if cause := <-causes; !errors.Is(cause, engineio.ErrSlowPeer) && !errors.Is(cause, os.ErrDeadlineExceeded) {
					t.Error(cause)
				}
				<-begun
			})
		})
	}
}

// The body of a POST has ReadTimeout to arrive, however slowly it comes.
func TestLimitReadTimeout(t *testing.T) {
	for name, every := range map[string]time.Duration{"nothing comes": 0, "a byte now and then": 700 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, end := inMemory(t, engineio.Config{ReadTimeout: limit})
				p := end.Polling()
				body, out := io.Pipe()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, end.URL+end.Path+"?EIO=4&transport=polling&sid="+p.Sid, body)
				if err != nil {
					t.Fatal(err)
				}
				done := make(chan error, 1)
				go func() {
					res, err := end.HTTPClient().Do(r)
					if err == nil {
						err = res.Body.Close()
						if res.StatusCode != http.StatusRequestTimeout {
							err = fmt.Errorf("answered with %d", res.StatusCode)
						}
					}
					done <- err
				}()
				written := make(chan struct{})
				go func() {
					defer close(written)
					for err := error(nil); err == nil && every > 0; time.Sleep(every) {
						_, err = io.WriteString(out, "4")
					}
				}()
				wantSessions(t, e, limit-tick, 1)
				wantSessions(t, e, 2*tick, 0)
				_ = body.Close() // net/http's client waits for it before it looks at its connection
				if err := <-done; err != nil {
					t.Errorf("POST: %v", err)
				}
				<-written
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // one that ends in time
		e, end := inMemory(t, engineio.Config{ReadTimeout: limit})
		p := end.Polling()
		body, out := io.Pipe()
		go func() {
			_, _ = io.WriteString(out, "4")
			time.Sleep(limit - tick)
			_ = out.Close()
		}()
		res, err := end.HTTPClient().Post(end.URL+end.Path+"?EIO=4&transport=polling&sid="+p.Sid, "", body)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%+v, %v", res, err)
		}
		_ = res.Body.Close()
		wantSessions(t, e, 100*limit, 1)
	})
}

// What waits for a client: so many messages and so many bytes, framing included, and not one more, over each transport.
func TestLimitMaxBuffered(t *testing.T) {
	const header = 2
	for _, c := range []struct {
		name   string
		config engineio.Config
		sizes  []int
		full   bool
	}{
		{"packets, at the limit", engineio.Config{MaxBufferedPackets: 3}, []int{1, 1, 1}, false},
		{"packets, one above", engineio.Config{MaxBufferedPackets: 3}, []int{1, 1, 1, 1}, true},
		{"packets, far above", engineio.Config{MaxBufferedPackets: 3}, make([]int, 1000), true},
		{"bytes, at the limit", engineio.Config{MaxBufferedBytes: 400}, []int{100, 100, 100, 97, 3}, false},
		{"bytes, one above", engineio.Config{MaxBufferedBytes: 400}, []int{100, 100, 100, 98, 3}, true},
		{"bytes, far above", engineio.Config{MaxBufferedBytes: 400}, []int{1 << 20, 1 << 20, 1 << 20, 1 << 20, 3}, true},
		{"bytes, one message alone", engineio.Config{MaxBufferedBytes: 400}, []int{20 << 20}, false},
		{"bytes, two large messages and a small one", engineio.Config{MaxBufferedBytes: 400}, []int{1 << 20, 1 << 20, 10}, false},
	} {
		for _, transport := range []engineio.Transport{engineio.Polling, engineio.WebSocket} {
			t.Run(c.name+", "+transport.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					config := c.config
					config.WriteTimeout = time.Hour
					if transport == engineio.WebSocket && config.MaxBufferedBytes > 0 {
						config.MaxBufferedBytes += header + 1 // for the message that is being written
					}
					e, end := inMemory(t, config)
					var id string
					if transport == engineio.Polling {
						id = end.Polling().Sid
					} else {
						id = end.WebSocket().Sid
					}
					x, _ := e.Session(id)
					if transport == engineio.WebSocket { // to a pipe that nobody reads
						if err := x.Send([]byte("x"), true); err != nil {
							t.Fatal(err)
						}
						synctest.Wait()
					}
					var err error
					for _, size := range c.sizes {
						if err == nil {
							err = x.Send(bytes.Repeat([]byte("x"), max(size-header, 0)), true)
						}
					}
					if errors.Is(err, engineio.ErrQueueFull) != c.full || err != nil && !c.full {
						t.Error(err)
					}
				})
			})
		}
	}
}

// One message of a client has MaxPayload bytes, and not one more, however it comes: the body of a POST is judged as a whole, the
// message of a WebSocket once it has been put together and inflated.
func TestLimitMaxPayload(t *testing.T) {
	const most = 1000
	post := func(q, before, after, more string, chunked bool) func(*server, int) bool {
		return func(s *server, size int) bool {
			query := s.request("GET", q, "").body
			query = q + "&sid=" + sid(s.T, query[strings.Index(query, "{"):strings.LastIndex(query, "}")+1])
			var body io.Reader = strings.NewReader(before + strings.Repeat("x", size-len(before)-len(after)) + after)
			if chunked {
				body = struct{ io.Reader }{body}
			}
			r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url+"?"+query+more, body)
			if err != nil {
				s.Fatal(err)
			}
			got, err := s.do(r)
			if err != nil || got.status != 200 && got.status != 413 {
				s.Fatalf("%+v, %v", got, err)
			}
			return got.status == 200
		}
	}
	webSocket := func(q string, frames func(size int) []byte) func(*server, int) bool {
		return func(s *server, size int) bool {
			c := s.dialDeflate(q)
			c.open()
			c.raw(frames(size))
			f, err := ws.ReadFrame(c.r)
			if err != nil {
				s.Fatal(err)
			}
			if f.Header.OpCode == ws.OpClose && string(f.Payload) != "\x03\xf1" {
				s.Errorf("close frame %q", f.Payload)
			}
			return f.Header.OpCode != ws.OpClose
		}
	}
	text := func(size int) string { return "4" + strings.Repeat("x", size-1) }
	for name, send := range map[string]func(s *server, size int) bool{
		"POST":                    post(handshake, "4", "", "", false),
		"POST in chunks":          post(handshake, "4", "", "", true),
		"POST of several packets": post(handshake, "4a\x1e4", "\x1e4b", "", false),
		"POST, JSONP":             post(handshake, "d=4", "", "&j=0", false),
		"POST, protocol 3": func(s *server, size int) bool {
			n := size - len(fmt.Sprintf("%d:", size))
			if len(fmt.Sprintf("%d:", n))+n != size { // the length is one digit shorter
				n++
			}
			return post("EIO=3&transport=polling&b64=1", fmt.Sprintf("%d:4", n), "", "", false)(s, size)
		},
		"WebSocket":             webSocket(direct, func(size int) []byte { return frame(0x81, true, uint64(size), []byte(text(size))) }),
		"WebSocket, binary":     webSocket(direct, func(size int) []byte { return frame(0x82, true, uint64(size), make([]byte, size)) }),
		"WebSocket, protocol 3": webSocket("EIO=3&transport=websocket", func(size int) []byte { return frame(0x81, true, uint64(size), []byte(text(size))) }),
		"WebSocket, compressed": webSocket(direct, func(size int) []byte { return compressedFrame(t, ws.OpText, text(size)) }),
		"WebSocket, two fragments": webSocket(direct, func(size int) []byte {
			return append(frame(0x01, true, 500, []byte(text(500))), frame(0x80, true, uint64(size-500), make([]byte, size-500))...)
		}),
		"WebSocket, many fragments": webSocket(direct, func(size int) []byte { return manyFragments(size) }),
	} {
		for what, size := range map[string]int{"at the limit": most, "one above": most + 1, "far above": 500 * most} {
			for which, set := range map[string]func(*engineio.Config){
				"":            func(c *engineio.Config) { c.MaxPayload = most },
				", untrusted": func(c *engineio.Config) { c.MaxUntrustedPayload = most },
				", trusted": func(c *engineio.Config) {
					c.MaxPayload, c.MaxUntrustedPayload, c.Events.Connection = most, 1, func(x *engineio.Session) { engineio.LinkOf(x).Trust() }
				},
			} {
				t.Run(name+", "+what+which, func(t *testing.T) {
					c := deflate()
					c.AllowEIO3 = true
					set(&c)
					want := size <= most
					if name == "POST of several packets" && which == ", untrusted" && what == "one above" {
						want = true // the limit is that of each packet
					}
					if accepted := send(start(t, c), size); accepted != want {
						t.Errorf("%d bytes are accepted: %t", size, accepted)
					}
				})
			}
		}
	}
}

// manyFragments is a message of so many bytes, ten in a frame.
func manyFragments(size int) (all []byte) {
	for at := 0; at < size; at += 10 {
		n := min(10, size-at)
		b0, piece := byte(0x00), strings.Repeat("x", n)
		if at == 0 {
			b0, piece = 0x01, "4"+piece[1:]
		}
		if at+n == size {
			b0 |= 0x80
		}
		all = append(all, frame(b0, true, uint64(n), []byte(piece))...)
	}
	return all
}

// Back-pressure does not end an upgrade: while the server keeps the answer to a POST back, the client cannot go on with it.
func TestUpgradeWaitsForBackPressure(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, end := inMemory(t, engineio.Config{
					UpgradeTimeout: limit, ConnectionMode: mode,
					Events: engineio.Events{Message: func(x *engineio.Session, _ []byte, _ bool) {
						engineio.LinkOf(x).PauseReading()
						time.AfterFunc(5*limit/2, engineio.LinkOf(x).ResumeReading)
					}},
				})
				p := end.Polling()
				posted := make(chan int)
				go func() {
					status, _ := p.Post("4slow")
					posted <- status
				}()
				synctest.Wait()
				c, err := end.Dial(t.Context(), direct+"&sid="+p.Sid, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				began := time.Now()
				c.Send("2probe")
				c.Want("3probe")
				if late := time.Since(began); late > 0 {
					t.Errorf("the probe was answered after %v", late)
				}
				if status := <-posted; status != 200 {
					t.Fatalf("POST: %d", status)
				}
				c.Send("5")
				synctest.Wait()
				if x, ok := e.Session(p.Sid); !ok || x.Transport() != engineio.WebSocket {
					t.Errorf("the session did not move: %t", ok)
				}
			})
		})
	}
}
