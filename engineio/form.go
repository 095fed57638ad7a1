package engineio

import "github.com/gosocketio/socketio/engineio/wire"

// form is how a connection takes frames: those in the outbox are those of a WebSocket of protocol 4, uncompressed.
type form struct {
	bare    bool // a WebTransport stream
	v3      bool // binary messages have a type
	base64  bool // there are no binary messages
	deflate bool // messages are compressed where that is worth it
}

// plain tells whether frames are in the form already, as far as that can be told without looking at them.
func (f form) plain() bool { return f == form{} }

// of returns frames in the form; frames themselves when there is nothing to change.
func (f form) of(frames []byte, d *deflater) []byte {
	if f.bare {
		return wire.FramesBare(frames)
	}
	if (f.v3 || f.base64) && wire.HasBinary(frames) {
		switch {
		case f.base64 && f.v3:
			frames = wire.AppendFramesBase64(nil, frames, "b4")
		case f.base64:
			frames = wire.AppendFramesBase64(nil, frames, "b")
		default:
			frames = wire.AppendFrames3(nil, frames)
		}
	}
	if f.deflate {
		frames = d.frames(frames)
	}
	return frames
}

// form returns an entry as this connection takes it.
func (c *wsConn) form(e entry) []byte {
	f := c.takes
	f.deflate = f.deflate && !e.plain
	switch {
	case f.plain() || e.formed:
		return e.frames
	case e.prepared != nil:
		return e.prepared.as(f, c.session.server.deflate)
	}
	return f.of(e.frames, c.session.server.deflate)
}
