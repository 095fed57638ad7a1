// Package siotest is a kit for testing programs that use package socketio: it serves a server in
// memory, and has a client for it.
//
//	func TestChat(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			io := newChat() // a *socketio.Server with the program's handlers
//			srv := siotest.Serve(t, io)
//			ann, err := srv.Connect(t.Context(), "/", map[string]string{"token": "t"})
//			if err != nil {
//				t.Fatal(err)
//			}
//			if err := ann.Emit("message", "hi"); err != nil {
//				t.Fatal(err)
//			}
//			m, err := ann.Receive(t.Context(), "message")
//			...
//		})
//	}
//
// Nothing leaves the process: connections are pipes, and there are no sleeps and no timeouts but
// those of the contexts given. So a test may run in a bubble of testing/synctest, where hours of
// heartbeats pass in no time and where a wait for something that never comes fails at once; the
// server must be made inside the bubble then.
//
// The client is for tests. It speaks the newest protocol over WebSocket or long-polling, does not
// upgrade, does not reconnect, and believes what the server says. It is not a copy of the official
// one: what must hold for that one is tested with that one.
package siotest
