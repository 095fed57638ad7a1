package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/api"
	"github.com/gosocketio/socketio/siotest"
)

// pending fails unless nothing else has arrived at the clients.
func pending(t *testing.T, clients ...*siotest.Client) {
	t.Helper()
	synctest.Wait()
	for _, c := range clients {
		if c.Pending() > 0 {
			m, err := c.Next(t.Context())
			t.Errorf("got %v, %v", m, err)
		}
	}
}

// An event reaches the sockets that the request targets, and no others.
func TestEmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, api.Config{})
		k.io.Of("/chat")
		ann, ben, other := k.connect("/", "lobby"), k.connect("/", "lobby", "quiet"), k.connect("/chat")
		emit := func(body string) {
			t.Helper()
			k.post("/api/emit", body, http.StatusNoContent, "")
		}
		emit(`{"event":"all","args":[1,"two",{"three":[3]}]}`)
		receives(t, ann, "all[1 two map[three:[3]]]")
		receives(t, ben, "all[1 two map[three:[3]]]")
		emit(`{"rooms":["lobby"],"except":["quiet"],"event":"room"}`)
		receives(t, ann, "room[]")
		emit(`{"rooms":["` + ben.ID() + `"],"event":"one","args":[{"base64":"AAEC"}],"volatile":true,"compress":false,"local":true}`)
		receives(t, ben, "one[[0 1 2]]")
		emit(`{"namespace":"/chat","event":"there"}`)
		receives(t, other, "there[]")
		emit(`{"namespace":"chat","event":"there"}`)
		receives(t, other, "there[]")
		emit(`{"rooms":[],"event":"nobody"}`)
		emit(`{"rooms":["nowhere"],"event":"nobody"}`)
		pending(t, ann, ben, other)
	})
}

// answers is the answer to an event with acknowledgements.
type answers struct {
	Answers []struct {
		ID   string
		Args json.RawMessage
	}
	Missing int
	Errors  []string
}

func TestEmitWithAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, api.Config{})
		ask := func() (a answers) {
			t.Helper()
			w := k.do(request(http.MethodPost, "/api/emit", `{"event":"ask","args":[7],"ack":{"timeout":30000}}`))
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%d %s: %v", w.Code, w.Body, err)
			}
			return a
		}
		if a := ask(); len(a.Answers) != 0 || a.Missing != 0 || a.Errors == nil {
			t.Errorf("nobody there: %+v", a)
		}
		quick, gone, silent := k.connect("/"), k.connect("/"), k.connect("/")
		go func() {
			if m, err := quick.Receive(t.Context(), "ask"); err == nil {
				_ = m.Ack(int64(12345678901234567), "text", []byte{0, 1})
			}
			if _, err := gone.Receive(t.Context(), "ask"); err == nil {
				gone.Conn().Close()
			}
		}()
		began := time.Now()
		a := ask()
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("took %v", took)
		}
		if len(a.Answers) != 1 || a.Answers[0].ID != quick.ID() ||
			string(a.Answers[0].Args) != `[12345678901234567,"text",{"base64":"AAE="}]` || a.Missing != 2 {
			t.Errorf("%+v", a)
		}
		if says := strings.Join(a.Errors, "; "); len(a.Errors) != 2 || !strings.Contains(says, "transport close") ||
			!strings.Contains(says, "timed out") {
			t.Errorf("%q", a.Errors)
		}
		receives(t, silent, "ask[7]")
		pending(t, silent)
	})
}

func TestJoinLeaveDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, api.Config{})
		ann, ben := k.connect("/"), k.connect("/", "lobby")
		rooms := func(c *siotest.Client) []string {
			s, _ := k.io.Socket(c.ID())
			return slices.DeleteFunc(slices.Sorted(slices.Values(s.Rooms())), func(r string) bool { return r == c.ID() })
		}
		check := func(of *siotest.Client, want ...string) {
			t.Helper()
			if got := rooms(of); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		k.post("/api/join", `{"rooms":["lobby"],"join":["a","b"]}`, http.StatusNoContent, "")
		check(ann)
		check(ben, "a", "b", "lobby")
		k.post("/api/join", `{"all":true,"except":["b"],"join":["c"]}`, http.StatusNoContent, "")
		check(ann, "c")
		check(ben, "a", "b", "lobby")
		k.post("/api/leave", `{"rooms":["c","a"],"leave":["a","c","lobby"]}`, http.StatusNoContent, "")
		check(ann)
		check(ben, "b")

		k.post("/api/disconnect", `{"rooms":["b"]}`, http.StatusNoContent, "")
		<-ben.Done()
		if ben.Reason() != siotest.ReasonServerDisconnect {
			t.Error(ben.Reason())
		}
		k.post("/api/disconnect", `{"all":true,"close":true}`, http.StatusNoContent, "")
		<-ann.Conn().Done()
		synctest.Wait()
		if n := k.io.Engine().Sessions(); n != 1 { // that of Ben, whose connection stays
			t.Errorf("%d sessions", n)
		}
	})
}

func TestSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, api.Config{})
		name := socketio.NewSharedKey[string]("name")
		ann, ben := k.connect("/", "lobby"), k.connect("/", "lobby", "quiet")
		s, _ := k.io.Socket(ann.ID())
		name.Set(s, "Ann")
		list := func(query string) (ids []string, body string) {
			t.Helper()
			w := k.do(request(http.MethodGet, "/api/sockets"+query, ""))
			var a struct{ Sockets []struct{ ID string } }
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s: %v", query, w.Code, w.Body, err)
			}
			for _, s := range a.Sockets {
				ids = append(ids, s.ID)
			}
			return ids, w.Body.String()
		}
		for query, want := range map[string][]string{
			"":                          {ann.ID(), ben.ID()},
			"?limit=2&local=true":       {ann.ID(), ben.ID()},
			"?rooms=lobby&rooms=quiet":  {ann.ID(), ben.ID()},
			"?rooms=quiet":              {ben.ID()},
			"?except=quiet&local=false": {ann.ID()},
			"?rooms=nowhere":            nil,
		} {
			got, body := list(query)
			if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(want))) ||
				!strings.Contains(body, `"errors":[],"missing":0,"more":false}`) {
				t.Errorf("%s: %s", query, body)
			}
		}
		_, body := list("?rooms=" + ann.ID())
		if !strings.Contains(body, `"data":{"name":"Ann"}`) || !strings.Contains(body, `"lobby"`) {
			t.Error(body)
		}
		if ids, body := list("?limit=1"); len(ids) != 1 || !strings.Contains(body, `"more":true`) {
			t.Error(body)
		}
	})
}

// A namespace that no client may join does not come into being by a request.
func TestNamespaces(t *testing.T) {
	k := newKit(t, api.Config{})
	for _, name := range []string{"/other", "other", "/a,b"} {
		k.post("/api/emit", `{"namespace":"`+name+`","event":"x"}`, http.StatusNotFound, `"rule":"unknown namespace"`)
	}
	if all := k.io.Namespaces(); len(all) != 1 {
		t.Errorf("%d namespaces", len(all))
	}
	var asked string
	k = newKit(t, api.Config{Namespace: func(name string) (*socketio.Namespace, bool) {
		asked = name
		return k.io.Of(name), true
	}})
	k.post("/api/emit", `{"namespace":"other","event":"x"}`, http.StatusNoContent, "")
	if asked != "/other" {
		t.Errorf("asked for %q", asked)
	}
}
