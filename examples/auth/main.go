// Command auth knows its visitors by a cookie session that a middleware written for net/http keeps: who has logged in by a form may
// connect, and events know who sent them. Nothing of it is made for Socket.IO; the middleware's headers are also on the response that
// opens a WebSocket.
package main

import (
	"context"
	"crypto/rand"
	"log"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/gosocketio/socketio"
)

// user is who sent a request, in its context.
type user struct{}

// visitors keeps sessions in cookies that are signed with a secret.
type visitors struct{ store *sessions.CookieStore }

func newVisitors(secret []byte) visitors {
	store := sessions.NewCookieStore(secret)
	store.Options = &sessions.Options{Path: "/", MaxAge: 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode} // and Secure, behind TLS
	return visitors{store}
}

// login begins a session. A real one asks for a password.
func (v visitors) login(w http.ResponseWriter, r *http.Request) {
	session, _ := v.store.Get(r, "session") // an old or forged one is a new one
	session.Values["user"] = r.FormValue("user")
	if err := session.Save(r, w); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}

// middleware says in each request's context who sent it, and gives the session another hour.
func (v visitors) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := v.store.Get(r, "session")
		name, _ := session.Values["user"].(string)
		if name != "" {
			_ = session.Save(r, w) // a header, before anything is answered
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), user{}, name)))
	})
}

func newServer() *socketio.Server {
	io := socketio.New(socketio.Config{
		// What of the first request's context the sockets keep: not the whole of it, which would keep the request in memory.
		SessionContext: func(r *http.Request) context.Context {
			return context.WithValue(context.Background(), user{}, r.Context().Value(user{}))
		},
	})
	io.Use(func(s *socketio.Socket) error {
		if s.Context().Value(user{}) == "" {
			return &socketio.Error{Message: "log in first", Data: map[string]int{"code": http.StatusUnauthorized}}
		}
		return nil
	})
	socketio.OnCall0(io, "who am I", func(e *socketio.Event) (any, error) { return e.Context().Value(user{}), nil })
	return io
}

func routes(v visitors, io *socketio.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", v.login)
	mux.Handle("/socket.io/", v.middleware(io))
	return mux
}

func main() {
	secret := make([]byte, 32) // a real one is kept, or restarts log everybody out
	_, _ = rand.Read(secret)
	server := &http.Server{Addr: "127.0.0.1:3000", Handler: routes(newVisitors(secret), newServer()), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
