package postgres_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/postgres"
)

// A server in a cluster over PostgreSQL, of which the URL says everything.
func ExampleNew() {
	io, err := socketio.NewServer(socketio.Config{
		Adapter: postgres.New(postgres.Config{URL: "postgres://user:secret@127.0.0.1:1/app?key=chat&sslmode=disable"}),
	})
	if err != nil { // nobody listens there
		fmt.Println(err)
		return
	}
	io.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	// Output:
	// socketio: invalid configuration: Adapter: other servers cannot be reached: postgres at 127.0.0.1:1/app: 127.0.0.1:1 (127.0.0.1): dial error: dial tcp 127.0.0.1:1: connect: connection refused: is PostgreSQL running there?
}

// With a pool of one's own, which is not closed.
func ExampleNew_pool() {
	pool, err := pgxpool.New(context.Background(), "postgres://user:secret@127.0.0.1:1/app?sslmode=disable")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	join := postgres.New(postgres.Config{Pool: pool, TableName: "chat.attachments", CreateTable: true})
	_, err = socketio.NewServer(socketio.Config{Adapter: join})
	fmt.Println(err != nil)
	// Output:
	// true
}

// With recovery clients come back on any server, and get what they missed.
func ExampleNew_recovery() {
	join := postgres.New(postgres.Config{URL: "postgres://127.0.0.1:1/app", Recovery: true, CreateTable: true})
	_, err := socketio.NewServer(socketio.Config{
		Adapter: join, ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
	})
	fmt.Println(err != nil) // nobody listens there
	// Output:
	// true
}

func ExampleParseURL() {
	c, err := postgres.ParseURL("postgres://user:secret@host:5432/app?key=chat&table=attachments&sslmode=require")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Prefix, c.TableName, c.URL)
	// Output:
	// chat attachments postgres://user:secret@host:5432/app?sslmode=require
}
