package siotest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/siotest"
)

// newGame is the program under test: nobody plays for longer than ten minutes.
func newGame() *socketio.Server {
	io := socketio.New(socketio.Config{})
	io.OnConnection(func(s *socketio.Socket) {
		s.Join("players")
		time.AfterFunc(10*time.Minute, func() { s.Disconnect(true) })
	})
	socketio.OnCall(io, "score", func(e *socketio.Event, n int) (string, error) {
		return "well done", e.Socket().To("players").Emit("score", n)
	})
	return io
}

// gameTest would be called TestGame. It runs in a bubble: ten minutes pass at once.
func gameTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := siotest.Serve(t, newGame())
		ann, err := srv.Connect(t.Context(), "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		bob, err := srv.Connect(t.Context(), "/", nil)
		if err != nil {
			t.Fatal(err)
		}

		answer, err := ann.EmitWithAck(t.Context(), "score", 7)
		if err != nil || answer.String() != "[well done]" {
			t.Errorf("ann got %v, %v", answer, err)
		}
		score, err := bob.Receive(t.Context(), "score")
		if err != nil || score.String() != "score[7]" {
			t.Errorf("bob got %v, %v", score, err)
		}

		start := time.Now()
		<-ann.Done()
		if ann.Reason() != siotest.ReasonServerDisconnect || time.Since(start) > 11*time.Minute {
			t.Errorf("%s after %v", ann.Reason(), time.Since(start))
		}
	})
}

// A program and its test.
func Example() {
	_ = gameTest
	// Output:
}
