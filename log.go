package socketio

import (
	"context"
	"errors"
	"net/http"

	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/protocol"
)

// Each refused CONNECT and each connection that the server closes has one line in the log. The
// engine writes the line of a connection; this file names the rule by which it was closed.

// ruleOfEnd returns the cause of a close with the rule for the log, nil for the application's wish.
func (srv *Server) ruleOfEnd(cause error) error {
	if cause == nil {
		return nil
	}
	if r, ok := errors.AsType[*refusal.Refusal](cause); ok {
		return r
	}
	c, r := &srv.cfg, &refusal.Refusal{Err: cause, Rule: "protocol violation"}
	switch {
	case errors.Is(cause, ErrConnectTimeout):
		r.Rule, r.Limit, r.Field = "connect timeout", c.ConnectTimeout, "Config.ConnectTimeout"
	case errors.Is(cause, ErrAttachmentTimeout):
		r.Rule, r.Limit, r.Field = "attachment timeout", c.AttachmentTimeout, "Config.AttachmentTimeout"
	case errors.Is(cause, protocol.ErrTooManyAttachments):
		r.Rule, r.Limit, r.Field = "attachments", c.MaxAttachments, "Config.MaxAttachments"
	case errors.Is(cause, protocol.ErrParse):
		r.Rule, r.Field = "packet that cannot be decoded", "Config.Parser"
		r.Remedy = "if the client has a parser of its own, such as msgpack, set Config.Parser to that"
	}
	return r
}

const connectRefused = "socketio: connect refused"

// logRefusal writes the log line of a refused CONNECT.
func (c *client) logRefusal(nsp string, err error) {
	r, cause := &refusal.Refusal{Rule: "middleware", Key: nsp}, err
	_, panicked := errors.AsType[*PanicError](err)
	_, visible := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, errAuth):
		r = &refusal.Refusal{Rule: "auth data of a connection", Limit: c.server.cfg.MaxPayload, Field: "Config.MaxPayload"}
	case errors.Is(err, errNamespaces):
		r = &refusal.Refusal{
			Rule: "namespaces of a connection", Limit: c.server.cfg.MaxNamespaces, Field: "Config.MaxNamespaces",
		}
	case errors.Is(err, errNamespace):
		r = &refusal.Refusal{Rule: "unknown namespace", Value: nsp}
	case panicked:
		cause = nil // it has a line of its own
	case !visible && c.server.cfg.OnError == nil:
		r.Remedy = `a middleware failed; its error is no *Error, so that the client was told "internal error"`
	}
	peer := refusal.Peer{Addr: c.session().Handshake().RemoteAddr, ID: c.session().ID(), Namespace: nsp}
	c.server.log.Write(c.session().Context(), connectRefused, peer, r, cause)
}

// refuseClientFile answers a request for a bundle of the client when none is served.
func (srv *Server) refuseClientFile(w http.ResponseWriter, r *http.Request) {
	const remedy = "set Config.ClientFiles to bundle.FS() of package client-js/bundle, or to the npm package " +
		`socket.io-client, such as os.DirFS("node_modules/socket.io-client")`
	srv.log.Write(r.Context(), "socketio: request refused", refusal.Peer{Addr: r.RemoteAddr}, &refusal.Refusal{
		Rule: "no client files", Value: r.URL.Path, Field: "Config.ClientFiles", Remedy: remedy,
	}, nil)
	http.Error(w, "404 page not found: the server has no client files: "+remedy, http.StatusNotFound)
}

// warnOfAttachments warns of an event with more binary values than official clients accept.
//
// They close the connection with a parse error.
func (srv *Server) warnOfAttachments(event string, n int) {
	limit := max(defaultMaxAttachments, srv.cfg.MaxAttachments)
	if n <= limit || srv.cfg.Parser != nil {
		return
	}
	srv.log.Write(context.Background(), "socketio: event sent", refusal.Peer{}, &refusal.Refusal{
		Rule: "attachments", Value: n, Limit: limit, Field: "Config.MaxAttachments", Event: event, Key: event,
		Remedy: "official clients take 10 unless their decoder's maxAttachments says otherwise, and else disconnect " +
			"with a parse error: send fewer than {value}, or raise it there and in Config.MaxAttachments",
	}, nil)
}
