package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// PollingEcho is [Echo] over long-polling, with one message outstanding on each connection: a POST that sends it and a GET that
// brings the answer, on two keep-alive connections.
func PollingEcho(ctx context.Context, t *Target, o Options) (*Result, error) {
	r, err := begin(ctx, "polling-echo", t, o)
	if err != nil {
		return nil, err
	}
	r.result.Size = o.Size
	event := `["echo",` + payload(o.Size) + `]`
	var pollers []*poller
	for i := range o.Conns {
		var p *poller
		if p, err = r.poll(); err != nil {
			break
		}
		pollers = append(pollers, p)
		if i == 0 {
			err = p.require(r)
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		for _, p := range pollers {
			r.wg.Go(func() {
				if err := p.echo(r, []byte("42"+t.namespace()+event)); err != nil && r.ctx.Err() == nil {
					r.lost.Add(1)
					r.failed(err)
				}
			})
		}
		r.measure()
	}
	return r.finish(err)
}

// poller is a session over long-polling.
type poller struct {
	t         *Target
	query     string
	get, post *httpConn
}

func (p *poller) interrupt() { p.deadline(time.Unix(1, 0)) }

// Close ends both connections.
func (p *poller) Close() {
	_ = p.get.conn.Close()
	_ = p.post.conn.Close()
}

// httpConn is a keep-alive connection.
type httpConn struct {
	conn net.Conn
	r    *bufio.Reader
}

// deadline is when requests under way fail; the zero time is never.
func (p *poller) deadline(at time.Time) {
	_ = p.get.conn.SetDeadline(at)
	_ = p.post.conn.SetDeadline(at)
}

// require returns an error when the server does not answer an echo. The run must own p.
func (p *poller) require(r *run) error {
	p.deadline(time.Now().Add(p.t.Answer))
	if err := r.ctx.Err(); err != nil {
		return err
	}
	err := p.exchange(r, []byte("42"+p.t.namespace()+`["echo","?"]`))
	p.deadline(time.Time{})
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	if isTimeout(err) {
		h := p.t.echoHandler()
		return p.t.missing(h.event, h.code)
	}
	return err
}

// poll opens a session over long-polling, which the run owns.
func (r *run) poll() (*poller, error) {
	t := r.t
	p := &poller{t: t, query: fmt.Sprintf("%s?EIO=%d&transport=polling", t.path, t.EIO)}
	for _, c := range []**httpConn{&p.get, &p.post} {
		conn, err := t.dial(r.ctx)
		if err != nil {
			if p.get != nil {
				_ = p.get.conn.Close()
			}
			return nil, err
		}
		*c = &httpConn{conn, bufio.NewReader(conn)}
	}
	p.deadline(time.Now().Add(t.Timeout))
	r.owns(p)
	err := p.join()
	p.deadline(time.Time{})
	if err == nil {
		err = r.ctx.Err()
	}
	return p, err
}

// join joins the namespace.
func (p *poller) join() error {
	t := p.t
	body, err := p.receive()
	if err != nil {
		return err
	}
	var open struct{ Sid string }
	if start := bytes.IndexByte(body, '{'); start < 0 || json.NewDecoder(bytes.NewReader(body[start:])).Decode(&open) != nil || open.Sid == "" {
		return fmt.Errorf("load: the server began with %.60q instead of an open packet", body)
	}
	p.query += "&sid=" + open.Sid
	if t.EIO == 4 || t.Namespace != "/" {
		if err := p.send([]byte("40" + t.namespace())); err != nil {
			return err
		}
	}
	for {
		for m := range p.packets(body) {
			if bytes.HasPrefix(m, []byte("40"+t.namespace())) {
				return nil
			}
			if bytes.HasPrefix(m, []byte("44")) {
				return fmt.Errorf("load: the namespace %s refuses: %.200s", t.Namespace, m[2:])
			}
		}
		if body, err = p.receive(); err != nil {
			return err
		}
	}
}

// send posts one packet.
func (p *poller) send(packet []byte) error {
	if p.t.EIO == 3 {
		packet = append(fmt.Appendf(nil, "%d:", len(packet)), packet...) // of ASCII, as all that is sent here
	}
	_, err := p.post.do("POST", p.query, p.t.host, packet)
	return err
}

// receive gets a payload.
func (p *poller) receive() ([]byte, error) { return p.get.do("GET", p.query, p.t.host, nil) }

// packets splits a payload, of ASCII as all that is exchanged here.
func (p *poller) packets(body []byte) iter.Seq[[]byte] {
	if p.t.EIO != 3 {
		return bytes.SplitSeq(body, []byte("\x1e"))
	}
	return func(yield func([]byte) bool) {
		for len(body) > 0 {
			digits, rest, _ := bytes.Cut(body, []byte(":"))
			n, err := strconv.Atoi(string(digits))
			if err != nil || n < 0 || n > len(rest) {
				yield(body) // which nobody expects
				return
			}
			if !yield(rest[:n]) {
				return
			}
			body = rest[n:]
		}
	}
}

func (c *httpConn) do(method, query, host string, body []byte) ([]byte, error) {
	req := fmt.Appendf(make([]byte, 0, 256+len(body)), "%s %s HTTP/1.1\r\nHost: %s\r\n", method, query, host)
	if body != nil {
		req = fmt.Appendf(req, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n", len(body))
	}
	req = append(append(req, "\r\n"...), body...)
	if _, err := c.conn.Write(req); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxFrame))
	if err == nil && res.StatusCode != http.StatusOK {
		err = &refusedError{res.StatusCode, strings.TrimSpace(string(b[:min(len(b), 200)]))}
	}
	return b, err
}

// exchange sends an event and receives until it has come back.
func (p *poller) exchange(r *run, packet []byte) error {
	if err := p.send(packet); err != nil {
		return err
	}
	for answered := false; !answered; {
		body, err := p.receive()
		if err != nil {
			return err
		}
		for m := range p.packets(body) {
			switch {
			case isReply(m, packet):
				answered = true
			case p.t.EIO == 3 && string(m) == "3": // answers our ping
			case string(m) == "2":
				if err := p.send([]byte("3")); err != nil {
					return err
				}
			case len(m) > 1 && m[0] == '4' && foreign(m[1:], packet[1:]):
			default:
				r.wrong(m)
			}
		}
	}
	return nil
}

// echo exchanges messages until the run ends.
func (p *poller) echo(r *run, packet []byte) error {
	pinged := time.Now()
	for r.ctx.Err() == nil {
		start := time.Now()
		if p.t.EIO == 3 && start.Sub(pinged) > pingEvery {
			pinged = start
			if err := p.send([]byte("2")); err != nil {
				return err
			}
		}
		if err := p.exchange(r, packet); err != nil {
			return err
		}
		r.ops.Add(1)
		if r.measuring.Load() {
			r.latency.add(time.Since(start))
		}
	}
	return nil
}
