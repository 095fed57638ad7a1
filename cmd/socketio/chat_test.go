package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// chatServer serves the demo's namespaces for a test.
func chatServer(t *testing.T) *rawclient.Endpoint {
	t.Helper()
	e, _ := chatServerAnd(t)
	return e
}

func chatServerAnd(t *testing.T) (*rawclient.Endpoint, *socketio.Server) {
	t.Helper()
	io := socketio.New(socketio.Config{Logger: slog.New(slog.DiscardHandler)})
	tutorials(io)
	chat(io.Of("/demo"), "")
	e := rawclient.Serve(t, io)
	t.Cleanup(func() {
		if err := io.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return e, io
}

// guest is a visitor of the chat.
type guest struct {
	*rawclient.Conn
	t  *testing.T
	id string
}

func visit(t *testing.T, e *rawclient.Endpoint, nick string, rooms ...string) *guest {
	t.Helper()
	c := e.WebSocket()
	auth, err := json.Marshal(map[string]any{"nick": nick, "rooms": rooms})
	if err != nil {
		t.Fatal(err)
	}
	return &guest{c, t, c.Join("/demo", string(auth))}
}

// event reads packets until one starts with prefix and is accepted, and returns it.
func (g *guest) event(prefix string, accept func(packet string) bool) string {
	g.t.Helper()
	for {
		if p := g.Read(); strings.HasPrefix(p, prefix) && accept(p) {
			return p
		}
	}
}

func anything(string) bool { return true }

func contains(part string) func(string) bool {
	return func(packet string) bool { return strings.Contains(packet, part) }
}

// seesPeople waits for the list of a room in which these nicks are, in this order.
func (g *guest) seesPeople(room string, nicks ...string) {
	g.t.Helper()
	g.event(`42/demo,["people",`, func(packet string) bool {
		var list []json.RawMessage
		var p People
		if json.Unmarshal([]byte(strings.TrimPrefix(packet, "42/demo,")), &list) != nil || json.Unmarshal(list[1], &p) != nil {
			g.t.Fatalf("bad list %s", packet)
		}
		var here []string
		for _, u := range p.People {
			here = append(here, u.Nick)
		}
		return p.Room == room && p.Total == len(nicks) && strings.Join(here, "|") == strings.Join(nicks, "|")
	})
}

func TestTutorials(t *testing.T) {
	e := chatServer(t)
	a, b := e.WebSocket(), e.WebSocket()
	for _, c := range []*rawclient.Conn{a, b} {
		c.Join("/", "")
		c.Join("/chat", "")
	}
	a.Send(`42["message","hello",{"n":1}]`)
	for _, c := range []*rawclient.Conn{a, b} {
		c.Want(`42["message","hello",{"n":1}]`)
	}
	b.Send(`42/chat,["message","in the chat"]`)
	for _, c := range []*rawclient.Conn{a, b} {
		c.Want(`42/chat,["message","in the chat"]`)
	}
	a.Send(`451-["message",{"_placeholder":true,"num":0}]`)
	a.SendBinary([]byte{1, 2})
	for _, c := range []*rawclient.Conn{a, b} {
		c.Want(`451-["message",{"_placeholder":true,"num":0}]`)
		c.WantBinary([]byte{1, 2})
	}
}

func TestWhoIsWhere(t *testing.T) {
	e := chatServer(t)
	ana := visit(t, e, "Ana", "lobby")
	ana.seesPeople("lobby", "Ana")
	ben := visit(t, e, "  Ben ")
	ben.Send(`42/demo,1["join","lobby"]`)
	ben.event(`43/demo,1[{}]`, anything)
	ana.seesPeople("lobby", "Ana", "Ben")
	ana.event(`42/demo,["rooms",`, contains(`{"name":"lobby","people":2}`))

	ben.Send(`42/demo,2["leave","lobby"]`)
	ben.event(`43/demo,2[{}]`, anything)
	ana.seesPeople("lobby", "Ana")

	cleo := visit(t, e, "Cleo", "lobby", "den")
	cleo.seesPeople("den", "Cleo")
	ana.seesPeople("lobby", "Ana", "Cleo")
	cleo.Close()
	ana.seesPeople("lobby", "Ana")
	ana.event(`42/demo,["rooms",`, contains(`["rooms",[{"name":"lobby","people":1}]]`))
}

func TestMessages(t *testing.T) {
	e := chatServer(t)
	ana, ben, eve := visit(t, e, "Ana", "lobby"), visit(t, e, "Ben", "lobby"), visit(t, e, "Eve", "den")
	ben.seesPeople("lobby", "Ana", "Ben")
	eve.seesPeople("den", "Eve")

	// What the sender says of themselves and of the time does not count.
	ana.Send(`42/demo,7["message",{"id":"m1","room":"lobby","text":"<b>","from":{"nick":"Ben"},"at":1}]`)
	if answer := ana.event(`43/demo,7`, anything); !strings.HasPrefix(answer, `43/demo,7[{"at":1`) {
		t.Errorf("answer %s", answer)
	}
	got := ben.event(`42/demo,["message",`, anything)
	if !strings.Contains(got, `"text":"<b>","from":{"id":"`+ana.id+`","nick":"Ana"},"at":1`) || strings.Contains(got, `"at":1}`) {
		t.Errorf("message %s", got)
	}

	ana.Send(`451-/demo,8["message",{"id":"m2","room":"lobby","text":"","file":{"name":"a.png","type":"image/png","data":{"_placeholder":true,"num":0}}}]`)
	ana.SendBinary([]byte("\x89PNG\x00"))
	ben.event(`451-/demo,["message",`, contains(`"file":{"name":"a.png","type":"image/png","data":{"_placeholder":true,"num":0}}`))
	ben.WantBinary([]byte("\x89PNG\x00"))

	ana.Send(`42/demo,["typing",{"room":"lobby","typing":true}]`, `42/demo,["typing",{"room":"den","typing":true}]`)
	ben.event(`42/demo,["typing",`, contains(`{"room":"lobby","typing":true,"from":{"id":"`+ana.id+`","nick":"Ana"}}`))

	// Nothing of this reached the other room: what Eve sees next is this.
	visit(t, e, "Fay", "den")
	for {
		p := eve.Read()
		if strings.Contains(p, `["message"`) || strings.Contains(p, `["typing"`) {
			t.Fatalf("the other room sees %s", p)
		}
		if strings.Contains(p, "Fay") {
			return
		}
	}
}

func TestWhoComesBackGetsWhatTheyMissed(t *testing.T) {
	e := chatServer(t)
	ana, ben := visit(t, e, "Ana", "lobby"), visit(t, e, "Ben", "lobby", "den")
	var welcome []Received
	if err := json.Unmarshal([]byte(strings.Replace(ana.event(`42/demo,["welcome",`, anything), `42/demo,["welcome",`, `[`, 1)), &welcome); err != nil {
		t.Fatal(err)
	}
	ana.Close()
	ben.Send(`42/demo,1["message",{"id":"m1","room":"lobby","text":"you there?"}]`, `42/demo,2["message",{"id":"m2","room":"den","text":"not for Ana"}]`)
	ben.event(`43/demo,2`, anything)

	again := visit(t, e, "Ana", "lobby")
	again.Send(fmt.Sprintf(`42/demo,3["missed",%d]`, welcome[0].At-1))
	if p := again.event(`43/demo,3`, anything); !strings.HasPrefix(p, `43/demo,3[{"messages":[{"id":"m1","room":"lobby","text":"you there?"`) || !strings.HasSuffix(p, `"more":false}]`) ||
		strings.Contains(p, "not for Ana") {
		t.Errorf("missed: %s", p)
	}
	// Who comes for the first time gets nothing.
	eve := visit(t, e, "Eve", "lobby", "den")
	if p := eve.Read(); !strings.HasPrefix(p, `42/demo,["welcome",`) {
		t.Errorf("a newcomer gets %s", p)
	}
}

func TestWhatTheChatRefuses(t *testing.T) {
	e := chatServer(t)
	for _, auth := range []string{``, `{}`, `{"nick":"  "}`, `{"nick":7}`, `{"nick":"` + strings.Repeat("x", maxName+1) + `"}`} {
		c := e.WebSocket()
		c.Send("40/demo," + auth)
		if p := c.Read(); !strings.HasPrefix(p, `44/demo,{"message":"choose a nick name`) {
			t.Errorf("auth %s: %s", auth, p)
		}
	}
	g := visit(t, e, strings.Repeat("é", maxName), "lobby", "", strings.Repeat("x", 200))
	for packet, problem := range map[string]string{
		`["join",""]`: "room names", `["join","` + strings.Repeat("x", maxName+1) + `"]`: "room names",
		`["message",{"room":"den","text":"hi"}]`:                                                    "join the room",
		`["message",{"room":"` + g.id + `","text":"hi"}]`:                                           "join the room",
		`["message",{"room":"lobby","text":"` + strings.Repeat("x", maxText+1) + `"}]`:              "too long",
		`["message",{"room":"lobby","file":{"name":"` + strings.Repeat("x", maxFileName+1) + `"}}]`: "too long",
		`["message",7]`: "invalid arguments",
	} {
		g.Send(`42/demo,5` + packet)
		if answer := g.event(`43/demo,5`, anything); !strings.Contains(answer, problem) {
			t.Errorf("%.60s: %s", packet, answer)
		}
	}
}

func TestAVisitorsRoomsAreCounted(t *testing.T) {
	e := chatServer(t)
	many := make([]string, maxRooms+5)
	for i := range many {
		many[i] = "room" + strings.Repeat("x", i%20) + string(rune('a'+i))
	}
	g := visit(t, e, "Ana", many...)
	g.Send(`42/demo,1["join","one more"]`)
	g.event(`43/demo,1`, contains("leave one of your rooms"))
	g.Send(`42/demo,2["leave","`+many[0]+`"]`, `42/demo,3["join","one more"]`)
	g.event(`43/demo,3[{}]`, anything)
}

// A list that changes often is sent seldom, and the last one is the true one.
func TestChangesAreGathered(t *testing.T) {
	e := chatServer(t)
	g := visit(t, e, "Ana", "lobby")
	g.seesPeople("lobby", "Ana")
	for range 50 {
		g.Send(`42/demo,1["join","den"]`, `42/demo,1["leave","den"]`)
	}
	g.Send(`42/demo,2["join","end"]`)
	lists := 0
	g.event(`42/demo,["rooms",`, func(p string) bool {
		lists++
		return strings.Contains(p, `"end"`) && !strings.Contains(p, `"den"`)
	})
	if lists > 50 {
		t.Errorf("%d lists for 100 changes", lists)
	}
}

// A client that asks for the backlog and does not read it holds a page or two of it, not all.
func TestACatchUpThatIsNotRead(t *testing.T) {
	e, io := chatServerAnd(t)
	ana := visit(t, e, "Ana", "lobby")
	for i := range 40 {
		ana.Send(fmt.Sprintf(`451-/demo,%d["message",{"id":"%d","room":"lobby","file":{"name":"a","type":"image/png","data":{"_placeholder":true,"num":0}}}]`, i, i))
		ana.SendBinary(make([]byte, 90_000))
		ana.event(fmt.Sprintf("43/demo,%d", i), anything)
	}
	eve := visit(t, e, "Eve", "lobby")
	for range 200 {
		eve.Send(`42/demo,7["missed",1]`)
	}
	eve.Send(`42/demo,8["join","end"]`)
	ana.event(`42/demo,["rooms",`, contains(`"end"`)) // all has been handled
	bytes := io.Stats().Connections.BufferedBytes
	if bytes > 2*(pageBytes+90_000) {
		t.Errorf("%d bytes wait for a client that does not read", bytes)
	}
}
