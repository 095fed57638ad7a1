package pgtest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
	"github.com/gosocketio/socketio/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestServer(t *testing.T) {
	s := pgtest.Start(t, "max_connections=21")
	if got := s.Query("SHOW max_connections"); !slices.Equal(got, []string{"21"}) {
		t.Errorf("got %q", got)
	}
	for range 2 { // two databases, each empty
		s.Database(t).Query("CREATE TABLE a AS SELECT 8 AS x")
	}
	s.Stop()
	time.AfterFunc(50*time.Millisecond, s.Continue)
	s.Query("CREATE TABLE a AS SELECT 7 AS x")
	s.Cut()
	s.Restart()
	if got := s.Query("SELECT x FROM a"); !slices.Equal(got, []string{"7"}) {
		t.Errorf("after a restart it has %q", got)
	}
}
