// Package siotest helps to test programs that use package socketio: it serves a server in memory
// and has a client for it.
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
// Connections are pipes inside the process. There are no sleeps, and no timeouts but those of the
// given contexts. So a test may run in a bubble of testing/synctest: hours of heartbeats take no
// time, and a wait for an event that never arrives fails at once. Make the server inside the
// bubble.
//
// The client is for tests only. It speaks protocol 5 over WebSocket or long-polling. It does not
// upgrade, does not reconnect, and does not check the server's packets as the official client does.
package siotest
