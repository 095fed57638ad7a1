package engineio_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// A POST of a client that is not trusted is handled packet by packet as it arrives, whatever its pieces are.
func TestUntrustedPostInPieces(t *testing.T) {
	const most = 10_000
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var got []string
		e := newEngine(t, engineio.Config{MaxUntrustedPayload: most, Events: engineio.Events{
			Message: func(s *engineio.Session, data []byte, _ bool) {
				if got = append(got, string(data)); len(got) == 5 {
					engineio.LinkOf(s).Trust()
				}
			},
		}})
		open := httptest.NewRecorder()
		e.ServeHTTP(open, httptest.NewRequest(http.MethodGet, engineio.DefaultPath+"?"+handshake, nil))
		want := make([]string, 1+rnd.IntN(20))
		for i := range want {
			size := []int{0, 1, 4095, 4096, 4097, rnd.IntN(most), most - 1}[rnd.IntN(7)]
			want[i] = strings.Repeat(string(rune('a'+i)), size)
		}
		want[len(want)-1] += "ü\xff"
		body := "4" + strings.Join(want, "\x1e4")
		want[len(want)-1] = strings.ReplaceAll(want[len(want)-1], "\xff", "\uFFFD")
		url := engineio.DefaultPath + "?" + handshake + "&sid=" + sid(t, open.Body.String()[1:])
		if len(want[len(want)-1]) > most-2 { // the limit counts what arrives
			continue
		}
		r := httptest.NewRequest(http.MethodPost, url, &pieces{rest: body, rnd: rnd})
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !slices.Equal(got, want) {
			t.Fatalf("status %d; got %d messages, want %d", w.Code, len(got), len(want))
		}
	}
}

// pieces is a body that arrives in pieces of random sizes, the last one with or without its end.
type pieces struct {
	rest string
	rnd  *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	n := copy(b[:min(len(b), 1+p.rnd.IntN(5000))], p.rest)
	if p.rest = p.rest[n:]; p.rest == "" && (n == 0 || p.rnd.IntN(2) == 0) {
		return n, io.EOF
	}
	return n, nil
}

// While reading is paused a POST may stay unread for longer than ReadTimeout.
func TestUntrustedPostWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions, n := make(chan *engineio.Session, 1), 0
		_, end := inMemory(t, engineio.Config{MaxUntrustedPayload: 10_000, Events: engineio.Events{
			Connection: func(s *engineio.Session) { sessions <- s },
			Message: func(s *engineio.Session, _ []byte, _ bool) {
				if n++; n < 4 {
					engineio.LinkOf(s).PauseReading()
				}
			},
		}})
		p := end.Polling()
		s := <-sessions
		done := make(chan struct{})
		go func() {
			defer close(done)
			packet := "4" + strings.Repeat("x", 9000)
			p.Send(packet, packet, packet, packet)
		}()
		for range 3 {
			time.Sleep(2 * engineio.DefaultReadTimeout)
			engineio.LinkOf(s).ResumeReading()
		}
		<-done
		if n != 4 {
			t.Errorf("%d messages", n)
		}
	})
}

// The outbox of a client that is not trusted: half of MaxUntrustedPayload, or one message of any size, and a message for
// each 256 bytes of it.
func TestLimitUntrustedOutbox(t *testing.T) {
	const untrusted = 4096
	for name, c := range map[string]struct {
		size, n int
		trusted bool
		limit   string // the one that was reached
	}{
		"bytes at the limit":          {1000 - 4, 2, false, ""},
		"bytes, one message more":     {1000 - 4, 3, false, "bytes wait"},
		"one large message":           {1_000_000, 1, false, ""},
		"a message behind a large":    {1_000_000, 2, false, "bytes wait"},
		"messages at the limit":       {0, untrusted / 256, false, ""},
		"messages, one more":          {0, untrusted/256 + 1, false, "messages wait"},
		"trusted, messages and bytes": {1000, 100, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sessions, causes := make(chan *engineio.Session, 1), make(chan error, 1)
				_, end := inMemory(t, engineio.Config{MaxUntrustedPayload: untrusted, Events: engineio.Events{
					Connection: func(s *engineio.Session) { sessions <- s },
					Close:      func(_ *engineio.Session, _ engineio.Reason, cause error) { causes <- cause },
				}})
				end.Polling()
				s := <-sessions
				if c.trusted {
					engineio.LinkOf(s).Trust()
				}
				var err error
				for range c.n {
					if err == nil {
						err = s.Send(make([]byte, c.size), false)
					}
				}
				if c.limit == "" {
					if err != nil {
						t.Errorf("got %v", err)
					}
					return
				}
				cause := <-causes
				if !errors.Is(err, engineio.ErrQueueFull) || cause == nil || !strings.Contains(cause.Error(), c.limit) ||
					!strings.Contains(cause.Error(), "Config.MaxUntrustedPayload") {
					t.Errorf("error %v, cause %v", err, cause)
				}
			})
		})
	}
}
