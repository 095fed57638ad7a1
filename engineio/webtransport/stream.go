package webtransport

import (
	"github.com/quic-go/webtransport-go"
)

// stream is the first bidirectional stream of a session. What else the client opens is never accepted, and so limited by
// QUIC.
type stream struct {
	session *webtransport.Session
	first   *webtransport.Stream // nil until it has been opened
}

// Read waits for the stream first. Write is called once something has been read.
func (s *stream) Read(b []byte) (int, error) {
	if s.first == nil {
		first, err := s.session.AcceptStream(s.session.Context())
		if err != nil {
			return 0, err
		}
		s.first = first
	}
	return s.first.Read(b)
}

func (s *stream) Write(b []byte) (int, error) { return s.first.Write(b) }

// Close closes the session. Telling the peer may take a few milliseconds, which the engine's timers must not wait for.
func (s *stream) Close() error {
	go func() { _ = s.session.CloseWithError(0, "") }() // its error is always nil
	return nil
}
