package engineio_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// refusedFor asks for a session that must be refused with 503 for a reason, over both transports.
func (s *server) refusedFor(reason string) {
	s.Helper()
	for _, r := range []struct {
		transport string
		header    http.Header
	}{
		{"polling", nil},
		{"websocket", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Version": {"13"}}},
	} {
		q, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url+"?EIO=4&transport="+r.transport, nil)
		if err != nil {
			s.Fatal(err)
		}
		if r.header != nil {
			q.Header = r.header
		}
		got, err := s.do(q)
		if err != nil {
			s.Fatal(err)
		}
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, reason) {
			s.Errorf("%s: got %d %v %q, want 503 for %q", r.transport, got.status, got.header, got.body, reason)
		}
	}
}

// At each limit a session is accepted, beyond it refused, and those that exist go on.
func TestAdmission(t *testing.T) {
	t.Run("MaxSessions", func(t *testing.T) {
		var refused []*engineio.ConnectionError
		c := engineio.Config{Admission: engineio.Admission{MaxSessions: 2}}
		c.Events.ConnectionError = func(e *engineio.ConnectionError) { refused = append(refused, e) }
		s := start(t, c)
		q := s.polling()
		w := s.dial(direct)
		w.open()
		s.refusedFor("too many sessions, the limit is 2")
		s.request("POST", q, "4still here")
		if got := s.request("GET", q, ""); got.body != "4still here" {
			t.Errorf("a session that exists: %+v", got)
		}
		s.request("POST", q, "1")
		next(t, s.closings)
		s.polling()
		if len(refused) != 2 || refused[0].Code != engineio.CodeUnavailable || refused[0].Context["name"] != "ADMISSION" {
			t.Errorf("ConnectionError: %v", refused)
		}
		if got := s.engine.Stats().Rejected; got != 2 {
			t.Errorf("Rejected is %d", got)
		}
	})
	t.Run("MaxPending", func(t *testing.T) {
		s := start(t, engineio.Config{Admission: engineio.Admission{MaxPending: 2}})
		q := s.polling()
		w := s.dial(direct)
		w.open()
		s.refusedFor("2 sessions have not sent anything yet")
		w.send("4hello")
		w.want("4hello")
		s.polling()
		s.refusedFor("2 sessions have not sent anything yet")
		x, _ := s.engine.Session(q[strings.LastIndex(q, "=")+1:])
		x.Discard(nil)
		next(t, s.closings)
		s.polling()
		if got := s.engine.Stats().Pending; got != 2 {
			t.Errorf("Pending is %d", got)
		}
	})
	t.Run("a refused id gives its place back", func(t *testing.T) {
		s := start(t, engineio.Config{
			Admission:  engineio.Admission{MaxPending: 2, MaxSessions: 2},
			GenerateID: func(r *http.Request) (string, error) { return r.URL.Query().Get("id"), nil },
		})
		first := "EIO=4&transport=polling&id=a"
		for _, want := range []int{200, 400, 400, 400} {
			if got := s.request("GET", first, ""); got.status != want {
				t.Errorf("got %+v, want %d", got, want)
			}
		}
		if got := s.request("GET", strings.Replace(first, "id=a", "id=b", 1), ""); got.status != 200 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("Rate", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e, err := engineio.New(engineio.Config{Path: "/socket.io/", Admission: engineio.Admission{Rate: 10, Burst: 3}})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := e.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			server := rawclient.ServePipe(t, e)
			arrive := func() (came int) {
				for range 10 {
					if c, err := server.TryWebSocket(); err == nil {
						c.Close()
						came++
					}
				}
				return came
			}
			for _, step := range []struct {
				after time.Duration
				want  int
			}{{0, 3}, {100 * time.Millisecond, 1}, {0, 0}, {200 * time.Millisecond, 2}, {time.Hour, 3}} {
				time.Sleep(step.after)
				if got := arrive(); got != step.want {
					t.Errorf("after %v %d were accepted, want %d", step.after, got, step.want)
				}
			}
		})
	})
}

func TestAdmissionConfig(t *testing.T) {
	for _, c := range []struct {
		a    engineio.Admission
		want string
	}{
		{engineio.Admission{Rate: -1}, "Admission.Rate is -1"},
		{engineio.Admission{Burst: 5}, "Admission.Burst is 5 without a Rate"},
		{engineio.Admission{Rate: 1, Burst: -5}, "Admission.Burst is -5"},
		{engineio.Admission{MaxPending: -1}, "Admission.MaxPending is -1"},
		{engineio.Admission{MaxPerAddress: -1}, "Admission.MaxPerAddress is -1"},
		{engineio.Admission{MaxSessions: -1}, "Admission.MaxSessions is -1"},
	} {
		if _, err := engineio.New(engineio.Config{Admission: c.a}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.a, err, c.want)
		}
	}
}
