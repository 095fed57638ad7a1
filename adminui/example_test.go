package adminui_test

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adminui"
)

// The page is served beside the server, from the npm package @socket.io/admin-ui.
func ExampleInstrument() {
	io := socketio.New(socketio.Config{})
	stop, err := adminui.Instrument(io, adminui.Options{
		// From `htpasswd -nB admin`.
		Auth: &adminui.Auth{Username: "admin", Password: "$2y$05$Hlp9uBB6Kw/rkbTRYEZ5puqFbKLUUXKSGf7AtnmtGnvKyJK.ynZO6"},
		Mode: adminui.Development,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer stop()
	page := http.FileServerFS(os.DirFS("node_modules/@socket.io/admin-ui/ui/dist"))
	http.Handle("/socket.io/", io)
	http.Handle("/admin/", http.StripPrefix("/admin", page))
	// Output:
}

// On a network of your own, where nobody else reaches the server, without a password and to look only.
func ExampleOptions() {
	o := adminui.Options{NoAuth: true, Readonly: true, Mode: adminui.Production, ServerID: "node-1"}
	stop, err := adminui.Instrument(socketio.New(socketio.Config{}), o)
	if err != nil {
		log.Fatal(err)
	}
	stop()
	// Output:
}

// redisStore keeps sessions where the servers of a cluster share them.
type redisStore struct {
	exists func(ctx context.Context, key string) (bool, error)
	set    func(ctx context.Context, key string, seconds int) error
}

// DoesSessionExist implements adminui.Store.
func (s redisStore) DoesSessionExist(ctx context.Context, id string) (bool, error) {
	return s.exists(ctx, "socket.io-admin#"+id)
}

// SaveSession implements adminui.Store.
func (s redisStore) SaveSession(ctx context.Context, id string) error {
	return s.set(ctx, "socket.io-admin#"+id, 86_400)
}

// Official servers with RedisStore find the session of an admin who has logged in here.
func ExampleStore() {
	o := adminui.Options{NoAuth: true, Store: redisStore{}}
	_ = o.Store
	// Output:
}
