package adapter

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"
)

// collect asks sockets here for a server that wants their acknowledgements, and sends these as
// they come: until all are in, the other server does not wait any more, or the adapter is closed.
func (x *Cluster) collect(m *Message) {
	timeout := m.Options.Flags.Timeout
	if timeout <= 0 {
		timeout = x.cfg.RequestTimeout
	}
	ctx, done := context.WithTimeout(x.open, timeout+time.Second) // the server that asks is the one to decide
	if ctx.Err() != nil {
		done()
		return
	}
	var left atomic.Int64
	left.Store(1) // until the sockets have been asked
	complete := func() {
		if left.Add(-1) == 0 {
			done()
		}
	}
	reply := func(r Message) {
		r.RequestID = m.RequestID
		x.responder.send(m.UID, &r)
	}
	forget, err := x.memory.BroadcastWithAck(&Packet{Event: m.Event, Args: m.Values.Args()}, m.Options,
		func(n int) {
			left.Add(int64(n))
			reply(Message{Type: MessageBroadcastClientCount, Count: n})
		},
		func(answer Answer) {
			if answer.Err == nil {
				reply(Message{Type: MessageBroadcastAck, Values: first(answer)})
			} // The protocol has no word for a socket that will not answer: the other server waits until time is up.
			complete()
		})
	if err != nil { // what another server sent cannot be encoded
		reply(Message{Type: MessageBroadcastClientCount})
	} else {
		context.AfterFunc(ctx, forget)
	}
	complete()
}

// first returns the first value of an answer: there is no more in the protocol. An answer without
// one is null.
func first(a Answer) Values {
	if len(a.Args) == 0 {
		return Values{JSON: []json.RawMessage{json.RawMessage("null")}}
	}
	return Values{JSON: a.Args[:1], Attachments: a.Attachments}
}
