package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/cmd/socketio/api/client"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/internal/rawclient"
)

const apiToken = "0123456789abcdef"

// apiURL returns the address of the API, which the log tells.
func (p *process) apiURL(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`msg="API for backends" url=(\S+)`).FindStringSubmatch(p.stderr.String())
	if m == nil {
		t.Fatalf("the log does not tell where the API is: %s", p.stderr)
	}
	return m[1]
}

// awaitPacket reads until a packet matches, and returns its groups.
func awaitPacket(c *rawclient.Conn, pattern string) []string {
	for {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(c.Read()); m != nil {
			return m
		}
	}
}

// A backend that calls any node of a cluster over Redis reaches the sockets on both.
func TestAPIOfCluster(t *testing.T) {
	t.Setenv("SOCKETIO_API_TOKEN", apiToken)
	redis := redistest.Start(t)
	var nodes []*process
	for range 2 {
		p := start(t, "-cluster", redis.URL(), "-api-addr", "0")
		defer p.end(t)
		if !strings.HasPrefix(p.apiURL(t), "http://127.0.0.1:") {
			t.Errorf("a port alone is at %s", p.apiURL(t))
		}
		nodes = append(nodes, p)
	}
	brokertest.Await(t, "the nodes know each other", func() bool {
		return strings.Contains(nodes[0].stderr.String()+nodes[1].stderr.String(), "servers=2")
	})
	var conns []*rawclient.Conn
	var ids []string
	for _, p := range nodes {
		c := rawclient.At(t, strings.TrimPrefix(p.url, "http://")).WebSocket()
		conns, ids = append(conns, c), append(ids, c.Join("/", ""))
	}
	ctx := t.Context()
	for i, p := range nodes {
		c := client.New(p.apiURL(t), apiToken)
		here, there := conns[i], conns[1-i]
		if err := c.Join(ctx, client.Target{All: true}, "lobby"); err != nil {
			t.Fatal(err)
		}
		brokertest.Await(t, "both sockets are in the room", func() bool {
			list, err := c.Sockets(ctx, client.Target{Rooms: []string{"lobby"}}, 10)
			if err != nil || list.Missing != 0 {
				t.Fatalf("%+v, %v", list, err)
			}
			return len(list.Sockets) == 2
		})
		if err := c.Emit(ctx, client.Target{Rooms: []string{"lobby"}}, "news", i, []byte{1, 2}); err != nil {
			t.Fatal(err)
		}
		for _, conn := range conns {
			awaitPacket(conn, `^451-\["news",[01],\{"_placeholder":true,"num":0\}\]$`)
			conn.WantBinary([]byte{1, 2})
		}
		answered := make(chan error, 1)
		var got client.Answers
		go func() {
			var err error
			got, err = c.EmitWithAck(ctx, client.Target{Rooms: ids}, 10*time.Second, "ask")
			answered <- err
		}()
		for _, conn := range []*rawclient.Conn{there, here} {
			id := awaitPacket(conn, `^42(\d+)\["ask"\]$`)[1]
			conn.Send("43" + id + `["yes"]`)
		}
		if err := next(t, "answer", answered); err != nil || got.Missing != 0 || len(got.Answers) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, a := range got.Answers {
			// The wire between servers has no id of the socket that answered.
			if a.ID != ids[i] && a.ID != "" || len(a.Args) != 1 || string(a.Args[0]) != `"yes"` {
				t.Errorf("%+v", a)
			}
		}
		if err := c.Leave(ctx, client.Target{Rooms: []string{"lobby"}}, "lobby"); err != nil {
			t.Fatal(err)
		}
		brokertest.Await(t, "nobody is in the room", func() bool {
			list, err := c.Sockets(ctx, client.Target{Rooms: []string{"lobby"}}, 10)
			return err == nil && len(list.Sockets) == 0
		})
	}
	c := client.New(nodes[0].apiURL(t), apiToken)
	if err := c.Disconnect(ctx, client.Target{Rooms: ids[1:]}, false); err != nil {
		t.Fatal(err)
	}
	awaitPacket(conns[1], `^41$`)
	for _, conn := range conns { // a node that ends waits for clients that do not read
		conn.Close()
	}
}

// A server that is asked to end answers the requests that wait for acknowledgements.
func TestStopWhileBackendWaits(t *testing.T) {
	t.Setenv("SOCKETIO_API_TOKEN", apiToken)
	p := start(t, "-api-addr", "127.0.0.1:0")
	conn := rawclient.At(t, strings.TrimPrefix(p.url, "http://")).WebSocket()
	conn.Join("/", "")
	answered := make(chan error, 1)
	var got client.Answers
	url := p.apiURL(t)
	go func() {
		var err error
		got, err = client.New(url, apiToken).EmitWithAck(context.Background(), client.Target{}, time.Minute, "ask")
		answered <- err
	}()
	awaitPacket(conn, `^42\d+\["ask"\]$`)
	go func() { // as a client does
		for err := error(nil); err == nil; {
			_, _, err = conn.Next()
		}
	}()
	p.end(t)
	if err := next(t, "answer", answered); err != nil || got.Missing != 1 || len(got.Errors) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What -admin-addr shows is not at the API's port, and the API is at no other.
func TestAPIPort(t *testing.T) {
	token := t.TempDir() + "/token"
	writeFile(t, token, apiToken+"\n")
	p := start(t, "-api-addr", "0", "-api-token-file", token, "-api-max-body", "100", "-api-max-ack-timeout", "1s")
	header := map[string][]string{"Authorization": {"Bearer " + apiToken}}
	status, body, _ := fetch(t, p.apiURL(t)+"/api/sockets", header)
	if status != 200 || !json.Valid([]byte(body)) {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ := fetch(t, p.apiURL(t)+"/sockets", header); status != 404 {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ := fetch(t, p.url+"/api/sockets", header); status == 200 && json.Valid([]byte(body)) {
		t.Errorf("the clients' port has the API: %s", body)
	}
	c := client.New(p.apiURL(t), apiToken)
	if err := c.Emit(t.Context(), client.Target{}, strings.Repeat("x", 100)); err == nil || !strings.Contains(err.Error(), "413") {
		t.Error(err)
	}
	if _, err := c.EmitWithAck(t.Context(), client.Target{}, 2*time.Second, "x"); err == nil || !strings.Contains(err.Error(), "allowed: 1000") {
		t.Error(err)
	}
	if log := p.stderr.String(); strings.Contains(log, apiToken) || !strings.Contains(log, "body too large") {
		t.Error(log)
	}
	p.end(t)
}

func TestAPIMistakes(t *testing.T) {
	t.Setenv("SOCKETIO_API_TOKEN", "")
	empty := t.TempDir() + "/empty"
	writeFile(t, empty, "\n")
	for _, c := range []struct{ args, says string }{
		{"-api-addr 0", "SOCKETIO_API_TOKEN"},
		{"-api-token " + apiToken, "-api-addr"},
		{"-api-addr 0 -api-token short", "-api-token has 5 characters, it must have at least 16"},
		{"-api-addr 0 -api-token-file " + empty, "-api-token has 0 characters"},
		{"-api-addr 0 -api-token-file missing", "-api-token-file"},
		{"-api-addr 0 -api-token x -api-token-file " + empty, "do not go together"},
		{"-api-addr a:b:c -api-token " + apiToken, "-api-addr"},
		{"-api-addr 0 -api-max-body=-1 -api-token " + apiToken, "-api-max-body"},
		{"-api-addr 0 -api-max-body=0 -api-token " + apiToken, "-api-max-body"},
		{"-api-addr 0 -api-max-requests=1 -api-token " + apiToken, "-api-max-requests"},
		{"-api-addr 0 -api-max-ack-timeout=-1s -api-token " + apiToken, "-api-max-ack-timeout"},
	} {
		var stdout, stderr lockedbuffer.Buffer
		code := run(t.Context(), append([]string{"serve"}, strings.Fields(c.args)...), &stdout, &stderr)
		if said := stderr.String(); code != exitFailed || !strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q", c.args, code, said)
		}
	}
}

// The commands of docs/backend.md do what the page says, to a client.
func TestAPIPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/backend.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOCKETIO_API_TOKEN", apiToken)
	p := start(t, "-api-addr", "0")
	defer p.end(t)
	conn := rawclient.At(t, strings.TrimPrefix(p.url, "http://")).WebSocket()
	id := conn.Join("/", "")
	text := strings.NewReplacer("http://127.0.0.1:3002", p.apiURL(t), "Dq3uDkl7ZtG2AAAB", id).Replace(string(page))

	// One script, which says where the output of each command begins.
	var script strings.Builder
	var wants []string
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				script.WriteString("echo '#'\n" + command)
				wants = append(wants, "")
			} else {
				wants[len(wants)-1] += line
			}
		}
	}
	if len(wants) != 9 {
		t.Fatalf("the page has %d commands", len(wants))
	}
	command := exec.CommandContext(t.Context(), "bash", "-euc", script.String())
	done := make(chan error, 1)
	var out []byte
	go func() {
		var err error
		out, err = command.CombinedOutput()
		done <- err
	}()
	conn.Want(`42["news","hello",{"n":1}]`, `451-["picture",{"_placeholder":true,"num":0}]`)
	conn.WantBinary([]byte{0, 1, 2})
	conn.Send("43" + awaitPacket(conn, `^42(\d+)\["question",6\]$`)[1] + "[42]")
	conn.Want("41")
	conn.WantClose()
	if err := next(t, "end", done); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i, got := range strings.Split(string(out), "#\n")[1:] {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(wants[i]), "…", ".*")
		// The rooms are in no order.
		got = strings.ReplaceAll(got, `["lobby","`+id+`"]`, `["`+id+`","lobby"]`)
		if !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			t.Errorf("got %s, want %s", got, wants[i])
		}
	}
}
