package adminui

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
)

const (
	// listTimeout limits how long the other servers may take to list their sockets.
	listTimeout = 5 * time.Second
	// relistPause is the time between two lists that are sent to admins who have one.
	relistPause = 10 * time.Second
	// clientIDLen is how much of a connection's id admins see. With all of it one could take it over.
	clientIDLen = 12
)

// secret are the headers of a handshake with which one could act as the client.
var secret = []string{"cookie", "authorization", "proxy-authorization"}

// adminData is what other servers' admins want to know of a socket: its value "_admin".
type adminData struct {
	ClientID  string `json:"clientId"`
	Transport string `json:"transport"`

	conn *engineio.Session // here
}

// MarshalJSON encodes the transport of the moment.
func (d adminData) MarshalJSON() ([]byte, error) {
	type plain adminData
	if d.conn != nil {
		d.Transport = d.conn.Transport().String()
	}
	return json.Marshal(plain(d))
}

const adminName = "_admin"

var adminKey = socketio.NewSharedKey[adminData](adminName)

// label prepares a socket to be listed, here and by other servers.
func label(s *socketio.Socket) {
	id := s.Conn().ID()
	adminKey.Set(s, adminData{ClientID: id[:min(len(id), clientIDLen)], conn: s.Conn()})
}

// socketInfo is a socket as the page knows it.
type socketInfo struct {
	ID        string                     `json:"id"`
	ClientID  string                     `json:"clientId,omitempty"`
	Transport string                     `json:"transport,omitempty"`
	Namespace string                     `json:"nsp"`
	Data      map[string]json.RawMessage `json:"data"`
	Handshake handshake                  `json:"handshake"`
	Rooms     []string                   `json:"rooms"`
}

// handshake is that of a socket, without its auth.
type handshake struct {
	Address string                     `json:"address"`
	Headers map[string]json.RawMessage `json:"headers"`
	Query   map[string]json.RawMessage `json:"query"`
	Issued  int64                      `json:"issued"`
	Secure  bool                       `json:"secure"`
	Time    string                     `json:"time"`
	URL     string                     `json:"url"`
	Xdomain bool                       `json:"xdomain"`
}

// describe returns what admins see of a socket of any server.
func describe(ns *socketio.Namespace, r socketio.RemoteSocket) socketInfo {
	i := socketInfo{
		ID: r.ID(), Namespace: ns.Name(), Data: map[string]json.RawMessage{}, Rooms: r.Rooms(),
		Handshake: handshake{Headers: map[string]json.RawMessage{}, Query: map[string]json.RawMessage{}},
	}
	if i.Rooms == nil {
		i.Rooms = []string{}
	}
	var data map[string]json.RawMessage
	if json.Unmarshal(r.Data(), &data) == nil && data != nil {
		i.Data = data
	}
	var of adminData
	if json.Unmarshal(i.Data[adminName], &of) == nil {
		i.ClientID, i.Transport = of.ClientID, of.Transport
	}
	delete(i.Data, adminName)
	own := r.Handshake().Handshake
	if raw, err := json.Marshal(own); err == nil {
		_ = json.Unmarshal(raw, &i.Handshake) // our own encoding
	}
	for _, name := range secret {
		delete(i.Handshake.Headers, name)
	}
	if ip := own.ClientIP(); ip.IsValid() {
		i.Handshake.Address = ip.String()
	}
	return i
}

// describeHere is describe of a socket of this server; ok is false when it has gone.
func describeHere(s *socketio.Socket) (i socketInfo, ok bool) {
	ns := s.Namespace()
	for r, err := range ns.Local().In(s.ID()).FetchSockets(s.Context()) {
		if err == nil && r.ID() == s.ID() {
			return describe(ns, r), true
		}
	}
	return i, false
}

// listLoop sends lists of sockets to admins who need one, and looks for admins on other servers.
func (a *admin) listLoop(ctx context.Context) {
	if a.Mode != Development {
		return
	}
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	var relisted time.Time
	for {
		a.mu.Lock()
		waiting := a.waiting
		a.waiting = nil
		a.mu.Unlock()
		if len(waiting) > 0 {
			list := a.list(ctx)
			for _, s := range waiting {
				_ = s.Emit("all_sockets", list) // unless it has gone
			}
		}
		if a.watched.Load() && time.Since(relisted) > relistPause && a.stale.Swap(false) {
			relisted = time.Now()
			a.send("all_sockets", a.list(ctx))
		}
		select {
		case <-ctx.Done():
			return
		case <-a.lists:
		case <-ticks.C:
			a.lookElsewhere(ctx)
		}
	}
}

// list returns the sockets of all namespaces of this server, on all servers.
func (a *admin) list(ctx context.Context) []socketInfo {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	list := []socketInfo{}
	for _, ns := range a.io.Namespaces() {
		for r, err := range ns.FetchSockets(ctx) {
			switch {
			case err != nil:
				a.Logger.Warn("adminui: not all sockets are listed", "namespace", ns.Name(), "error", err)
				continue
			case len(list) >= a.MaxSockets:
				a.Logger.Warn("adminui: not all sockets are listed", "rule", "too many sockets",
					"limit", a.MaxSockets, "field", "Options.MaxSockets")
				return list
			}
			if s, ok := r.Local(); ok {
				a.upgrades.add(s, a.MaxSockets)
			}
			list = append(list, describe(ns, r))
		}
	}
	return list
}

// lookElsewhere finds out whether other servers have admins.
func (a *admin) lookElsewhere(ctx context.Context) {
	if !a.clustered {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, interval)
	defer cancel()
	complete := true
	for r, err := range a.ns.FetchSockets(ctx) {
		if err != nil {
			complete = false
			continue
		}
		if _, here := r.Local(); !here {
			a.setElsewhere(true)
			return
		}
	}
	if complete { // otherwise who did not answer may have one
		a.setElsewhere(false)
	}
}
