package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// startTimeout limits the wait for a server to answer, and for a command.
const startTimeout = 20 * time.Second

// Server is a server with one user, named postgres, without a password.
type Server struct {
	*process
	t        testing.TB
	database string
}

// process is a server, which databases share.
type process struct {
	dir  string
	port int
	args []string

	mu   sync.Mutex // guards the rest: cleanup and the test may end it at once
	cmd  *exec.Cmd
	done chan struct{} // the process has been waited for

	databases int // that Database has made
}

// Start starts a server without fsync, with settings such as "max_connections=20". It returns when
// the server answers.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	// Not TempDir, whose parent belongs to the user who runs the test.
	dir, err := os.MkdirTemp("", "pgtest") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{t: t, database: "postgres", process: &process{dir: dir, port: brokertest.FreePorts(t, 1)[0]}}
	if credential := unprivileged(); credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	init := command("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	init.Dir = dir
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.args = []string{"-D", data, "-p", strconv.Itoa(s.port)}
	for _, setting := range append([]string{"listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"},
		settings...) {
		s.args = append(s.args, "-c", setting)
	}
	t.Cleanup(s.Kill)
	s.Restart()
	return s
}

// Database returns the same server with a new database. That is much quicker than another server. What
// is done to the server itself, such as Cut, concerns all its databases.
func (s *Server) Database(t testing.TB) *Server {
	t.Helper()
	s.mu.Lock()
	s.databases++
	name := fmt.Sprintf("test%d", s.databases)
	s.mu.Unlock()
	s.Query("CREATE DATABASE " + name)
	return &Server{t: t, database: name, process: s.process}
}

// command returns a command of PostgreSQL, to be run as a user who may.
func command(name string, args ...string) *exec.Cmd {
	path := name
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		path = found[len(found)-1]
	}
	cmd := exec.CommandContext(context.Background(), path, args...) // #nosec G204 -- arguments of a test
	if credential := unprivileged(); credential != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	}
	return cmd
}

// unprivileged returns the user to run PostgreSQL as, nil for the present one.
func unprivileged() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
			gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
			if err1 == nil && err2 == nil {
				return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			}
		}
	}
	return nil
}

// URL returns postgres://postgres@127.0.0.1:port/database. The database of Start is postgres.
func (s *Server) URL() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s", s.port, s.database)
}

// Restart starts the server again, on the same port and with its data. It returns when the server
// answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	var output bytes.Buffer
	cmd, done := command("postgres", s.args...), make(chan struct{})
	cmd.Dir = s.dir
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("postgres cannot be started: %v", err)
	}
	s.mu.Lock()
	s.cmd, s.done = cmd, done
	s.mu.Unlock()
	go func() {
		_ = cmd.Wait() // killed
		close(done)
	}()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		_, err := s.query("SELECT 1")
		if err == nil {
			return
		}
		select {
		case <-done:
		default:
			if time.Now().Before(deadline) {
				continue
			}
			s.Kill()
		}
		s.t.Fatalf("postgres at port %d does not answer: %v\n%s", s.port, err, output.Bytes())
	}
}

// Stop sends SIGSTOP to all processes of the server: it does nothing until Continue.
func (s *Server) Stop() { s.signal(syscall.SIGSTOP) }

// Continue sends SIGCONT.
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }

// Kill sends SIGKILL to all processes of the server and waits for their end.
func (s *Server) Kill() {
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done == nil {
		return
	}
	processes := s.signal(syscall.SIGKILL)
	<-done
	for _, pid := range processes {
		for deadline := time.Now().Add(startTimeout); syscall.Kill(pid, 0) == nil && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
	}
}

// signal sends a signal to the processes of the server and returns those that are not its first one.
func (s *Server) signal(sig syscall.Signal) (children []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		return nil
	default:
	}
	main := s.cmd.Process.Pid
	_ = syscall.Kill(main, syscall.SIGSTOP) // so that it starts no others meanwhile
	list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", main, main))
	for text := range strings.FieldsSeq(string(list)) {
		if pid, err := strconv.Atoi(text); err == nil {
			children = append(children, pid)
		}
	}
	for _, pid := range append(slices.Clone(children), main) {
		_ = syscall.Kill(pid, sig) // it may have ended
	}
	return children
}

// Cut ends the connections of all clients, which see that.
func (s *Server) Cut() {
	s.Query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity " +
		"WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
}

// Query runs SQL and returns the first column of the result as text. It fails the test if that fails.
func (s *Server) Query(sql string) []string {
	s.t.Helper()
	rows, err := s.query(sql)
	if err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

func (s *Server) query(sql string) (column []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL()+"?sslmode=disable&connect_timeout=2")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	for _, result := range results {
		for _, row := range result.Rows {
			column = append(column, string(row[0]))
		}
	}
	return column, err
}
