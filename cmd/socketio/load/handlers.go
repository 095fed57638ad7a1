package load

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// handler is what a server must have for a scenario.
type handler struct {
	event string // its name
	code  string // what it does, for people
	send  []byte // frames of an event for it
	want  []byte // how the answer begins
}

func (t *Target) echoHandler() handler {
	return handler{"echo", `on("echo", p) -> socket.emit("echo", p)`, t.event("2", `["echo","?"]`), []byte("2" + t.namespace() + `["echo","?"`)}
}

func (t *Target) ackHandler() handler {
	return handler{"ack", `on("ack", p, cb) -> cb(p)`, t.event("2", `0["ack","?"]`), []byte("3" + t.namespace() + `0["?"`)}
}

func (t *Target) binaryHandler() handler {
	event := `["bin",{"_placeholder":true,"num":0}`
	return handler{"bin", `on("bin", b) -> socket.emit("bin", b)`, append(t.event("51-", event+"]"), t.binary([]byte("?"))...), []byte("51-" + t.namespace() + event)}
}

func (t *Target) broadcastHandler() handler {
	return handler{"broadcast", `on("broadcast", p) -> io.emit("broadcast", p)`, t.event("2", `["broadcast","?"]`), []byte("2" + t.namespace() + `["broadcast","?"`)}
}

func (t *Target) askHandler() handler {
	return handler{
		"ask-all", `on("ask-all", p, cb) -> io.timeout(60000).emit("ask", p, (err, answers) => cb(answers.length))`,
		t.event("2", `0["ask-all","?"]`), []byte("2" + t.namespace()),
	}
}

func (t *Target) roomHandlers() []handler {
	return []handler{
		{"join", `on("join", room, cb) -> socket.join(room), cb()`, t.event("2", `0["join","?"]`), []byte("3" + t.namespace() + "0[")},
		{"room", `on("room", room, p) -> io.to(room).emit("room", p)`, t.event("2", `["room","?","?"]`), []byte("2" + t.namespace() + `["room","?"`)},
	}
}

// missing is the error of a server that does not answer.
func (t *Target) missing(event, code string) error {
	return fmt.Errorf("load: the server lacks a handler: nothing answered the event %q within %v; it must do %s", event, t.Answer, code)
}

// require sends one event for each handler, on a connection of its own, and returns an error for the first that is not
// answered.
func (t *Target) require(ctx context.Context, handlers ...handler) error {
	if len(handlers) == 0 {
		return nil
	}
	c, err := t.Dial(ctx, "", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, h := range handlers {
		if err := c.ask(ctx, h); isTimeout(err) && ctx.Err() == nil {
			return t.missing(h.event, h.code)
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (c *Conn) ask(ctx context.Context, h handler) error {
	_ = c.conn.SetDeadline(time.Now().Add(c.t.Answer))
	stop := context.AfterFunc(ctx, c.interrupt)
	defer stop()
	if err := c.Write(h.send); err != nil {
		return err
	}
	for {
		_, m, err := c.Next()
		if err != nil {
			return err
		}
		if bytes.HasPrefix(m, h.want) {
			return nil
		}
	}
}
