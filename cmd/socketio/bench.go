package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gosocketio/socketio/cmd/socketio/load"
)

// bench is the command "bench" and its scenarios.
type bench struct {
	Echo      benchEcho      `cmd:"" help:"Messages that the server sends back; with -ack, -binary or -polling in that form."`
	Broadcast benchFan       `cmd:"" help:"One connection sends to all, the next message when all have the last."`
	Ask       benchAsk       `cmd:"" help:"One connection has the server ask all for an acknowledgement, over and over."`
	Rooms     benchRooms     `cmd:"" help:"One connection of each room sends to all of it."`
	Stalled   benchStalled   `cmd:"" help:"A room in which some never read: what that does to the others."`
	Idle      benchIdle      `cmd:"" help:"Connections that only answer heartbeats: memory and CPU for each."`
	Churn     benchChurn     `cmd:"" help:"Connections that join and close, over and over."`
	Jitter    benchJitter    `cmd:"" help:"A steady broadcast to clients whose links drop at random; counts what they miss."`
	Avalanche benchAvalanche `cmd:"" help:"All clients lose the server at once and come back with the official client's back-off."`
	Drain     benchDrain     `cmd:"" help:"Another server is asked to end, and its clients move to this one."`
}

// benchTarget are the flags that every scenario has.
type benchTarget struct {
	URL       string        `default:"http://127.0.0.1:3001/socket.io/" help:"The server; the default is where serve listens (${default})."`
	Insecure  bool          `help:"Take any certificate of the server's."`
	Deflate   bool          `help:"Compress the messages over WebSocket (permessage-deflate)."`
	Namespace string        `default:"/" help:"Namespace to join (${default})."`
	Eio       int           `default:"4" help:"Engine.IO protocol to speak: 4, or 3 as clients before Socket.IO 3.0 (${default})."`
	Conns     int           `default:"64" help:"Connections (${default})."`
	Warmup    time.Duration `default:"1s" help:"Time before the measurement (${default})."`
	Duration  time.Duration `default:"5s" help:"Time of the measurement (${default})."`
	Timeout   time.Duration `default:"5s" help:"How long the server may take to answer the first event, before it is said to lack the handler (${default})."`
	Pid       int           `help:"Process of the server, to report its CPU time and memory."`
	Server    string        `placeholder:"COMMAND" help:"Start the server with this command, report what it takes, and end it."`
	JSON      bool          `name:"json" help:"Print the result as JSON."`
	Quiet     bool          `help:"Say nothing until the result."`
}

// benchSize is the flag of scenarios that send messages.
type benchSize struct {
	Size int `default:"32" help:"Payload of a message in bytes (${default})."`
}

// benchRate is the flag of scenarios that send at a steady rate.
type benchRate struct {
	Rate int `default:"20" help:"Messages a second (${default})."`
}

type benchEcho struct {
	benchTarget
	benchSize
	Outstanding int  `default:"1" help:"Messages on their way on each connection (${default})."`
	Ack         bool `xor:"form" help:"Acknowledgements instead of events."`
	Binary      bool `xor:"form,payload" help:"Binary attachments."`
	Object      bool `xor:"payload" help:"A JSON object of about that size instead of a string."`
	Polling     bool `xor:"form,payload" help:"Long-polling instead of WebSocket, with one message outstanding."`
}

type benchAsk struct {
	benchTarget
	benchSize
}

type benchFan struct {
	benchTarget
	benchSize
	benchTogether
}

// benchTogether is how many messages a sender sends at once.
type benchTogether struct {
	Outstanding int `default:"1" help:"Messages that a sender sends in one write (${default})."`
}

func (c *benchTogether) check() error { return within("-outstanding", c.Outstanding, 1, 1000) }

type benchRooms struct {
	benchTarget
	benchSize
	benchTogether
	Rooms int `default:"8" help:"Rooms (${default})."`
	Joins int `default:"0" help:"Rooms of its own that each connection joins besides (${default})."`
}

type benchStalled struct {
	benchTarget
	benchSize
	benchRate
	Stalled int `default:"10" help:"Connections that never read (${default})."`
}

type benchIdle struct {
	benchTarget
	Broadcast bool `help:"Send one message to all in the middle, and report its deliveries."`
}

type benchChurn struct{ benchTarget }

type benchJitter struct {
	benchTarget
	benchSize
	benchRate
	Between time.Duration `default:"10s" help:"A link drops about once in this time (${default})."`
	Down    time.Duration `default:"10s" help:"The longest time that a link is down (${default})."`
}

type benchAvalanche struct{ benchTarget }

type benchDrain struct {
	benchTarget
	From    string `required:"" placeholder:"URL" help:"The other server."`
	Drained string `required:"" placeholder:"COMMAND" help:"Start the other server with this command; SIGTERM drains it."`
}

// Limits of flags, so that a slip of the finger is an error and not a machine without memory.
const (
	maxConns = 4_000_000 // as many as there are ports on the loopback addresses that are used
	maxSize  = 64 << 20
	maxRate  = 100_000
	day      = 24 * time.Hour
)

// within returns an error unless a flag has a value from least to most.
func within(flag string, value, least, most int) error {
	if value < least || value > most {
		return fmt.Errorf("%s is %d, it must be from %d to %d", flag, value, least, most)
	}
	return nil
}

func (c *benchRate) rate() error { return within("-rate", c.Rate, 1, maxRate) }

// scenario runs one scenario; restart ends the server and starts it again, nil when it is not ours to end.
type scenario func(ctx context.Context, t *load.Target, o load.Options, restart func(context.Context) (int, error)) (*load.Result, error)

func (c *benchEcho) run(ctx context.Context, stdout, stderr io.Writer) error {
	run := load.Echo
	if err := within("-outstanding", c.Outstanding, 1, 10_000); err != nil {
		return err
	}
	switch {
	case c.Polling && c.Outstanding > 1:
		return errors.New("-outstanding has no meaning with -polling")
	case c.Polling && c.Deflate:
		return errors.New("-deflate has no meaning with -polling")
	case c.Ack:
		run = load.Ack
	case c.Binary:
		run = load.Binary
	case c.Polling:
		run = load.PollingEcho
	}
	o := load.Options{Size: c.Size, Object: c.Object, Outstanding: c.Outstanding}
	return c.measure(ctx, stdout, stderr, o, untouched(run))
}

func (c *benchAsk) run(ctx context.Context, stdout, stderr io.Writer) error {
	return c.measure(ctx, stdout, stderr, load.Options{Size: c.Size}, untouched(load.Ask))
}

func (c *benchFan) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	o := load.Options{Size: c.Size, Outstanding: c.Outstanding}
	return c.measure(ctx, stdout, stderr, o, untouched(load.Broadcast))
}

func (c *benchRooms) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := errors.Join(within("-rooms", c.Rooms, 1, maxConns), within("-joins", c.Joins, 0, 10_000), c.check()); err != nil {
		return err
	}
	o := load.Options{Size: c.Size, Outstanding: c.Outstanding, Rooms: c.Rooms, Joins: c.Joins}
	return c.measure(ctx, stdout, stderr, o, untouched(load.Rooms))
}

func (c *benchStalled) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := errors.Join(within("-stalled", c.Stalled, 0, maxConns), c.rate()); err != nil {
		return err
	}
	return c.measure(ctx, stdout, stderr, load.Options{Size: c.Size, Rate: c.Rate}, untouched(func(ctx context.Context, t *load.Target, o load.Options) (*load.Result, error) {
		return load.StalledReaders(ctx, t, o, c.Stalled)
	}))
}

func (c *benchIdle) run(ctx context.Context, stdout, stderr io.Writer) error {
	return c.measure(ctx, stdout, stderr, load.Options{}, untouched(func(ctx context.Context, t *load.Target, o load.Options) (*load.Result, error) {
		return load.Idle(ctx, t, o, c.Broadcast)
	}))
}

func (c *benchChurn) run(ctx context.Context, stdout, stderr io.Writer) error {
	return c.measure(ctx, stdout, stderr, load.Options{}, untouched(load.Churn))
}

func (c *benchJitter) run(ctx context.Context, stdout, stderr io.Writer) error {
	if c.Between < time.Second || c.Between > day || c.Down < 0 || c.Down > day {
		return errors.New("-between must be from 1s to 24h, and -down from 0s to 24h")
	}
	if err := c.rate(); err != nil {
		return err
	}
	return c.measure(ctx, stdout, stderr, load.Options{Size: c.Size, Rate: c.Rate}, untouched(func(ctx context.Context, t *load.Target, o load.Options) (*load.Result, error) {
		return load.Jittery(ctx, t, o, c.Between, c.Down)
	}))
}

func (c *benchAvalanche) run(ctx context.Context, stdout, stderr io.Writer) error {
	return c.measure(ctx, stdout, stderr, load.Options{}, load.Avalanches)
}

func (c *benchDrain) run(ctx context.Context, stdout, stderr io.Writer) error {
	from := &load.Target{URL: c.From, EIO: c.Eio, Deflate: c.Deflate, Namespace: c.Namespace, Answer: c.Timeout}
	drained, err := load.StartServer(ctx, from, c.Drained, stderr)
	if err != nil {
		return err
	}
	defer drained.Stop()
	return c.measure(ctx, stdout, stderr, load.Options{}, untouched(func(ctx context.Context, t *load.Target, o load.Options) (*load.Result, error) {
		return load.Drains(ctx, t, from, o, drained.Terminate)
	}))
}

// untouched is a scenario that leaves the server alone.
func untouched(run func(context.Context, *load.Target, load.Options) (*load.Result, error)) scenario {
	return func(ctx context.Context, t *load.Target, o load.Options, _ func(context.Context) (int, error)) (*load.Result, error) {
		return run(ctx, t, o)
	}
}

// measure runs a scenario and prints its result. It fails when the scenario does, or when anything was wrong or lost.
func (c *benchTarget) measure(ctx context.Context, stdout, stderr io.Writer, o load.Options, run scenario) error {
	if err := errors.Join(within("-conns", c.Conns, 1, maxConns), within("-size", o.Size, 0, maxSize)); err != nil {
		return err
	}
	switch {
	case c.Duration <= 0 || c.Warmup < 0 || c.Timeout <= 0:
		return errors.New("-duration and -timeout must be positive, and -warmup not negative")
	case c.Pid < 0:
		return fmt.Errorf("-pid is %d, which no process has", c.Pid)
	case c.Pid != 0 && c.Server != "":
		return errors.New("-pid and -server exclude each other")
	}
	target := &load.Target{
		URL: c.URL, Insecure: c.Insecure, EIO: c.Eio, Deflate: c.Deflate, Namespace: c.Namespace, Answer: c.Timeout,
	}
	o.Conns, o.Warmup, o.Duration, o.PID = c.Conns, c.Warmup, c.Duration, c.Pid
	if !c.Quiet {
		o.Progress = stderr
	}
	var restart func(context.Context) (int, error)
	if c.Server != "" {
		server, err := load.StartServer(ctx, target, c.Server, stderr)
		if err != nil {
			return err
		}
		defer server.Stop()
		o.PID, restart = server.PID(), server.Restart
	}
	result, err := run(ctx, target, o, restart)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(result)
	} else {
		_, err = fmt.Fprint(stdout, result)
	}
	if err == nil && result.Failed() {
		err = errors.New("not everything was as it should be, see above")
	}
	return err
}
