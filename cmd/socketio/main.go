package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes besides 0.
const (
	exitFailed = 1
	exitUsage  = 2
)

// commands is the command line.
type commands struct {
	Version kong.VersionFlag `help:"Print the version and its commit."`

	Serve  serve  `cmd:"" help:"Serve Socket.IO, and the files of its official client."`
	Health health `cmd:"" help:"Ask a running server whether it answers, and exit with 0 if so: a health check for containers."`
	Bench  bench  `cmd:"" help:"Load a Socket.IO server, this one or any other, and say how it bears it."`
}

// command is a command that can be run.
type command interface {
	run(ctx context.Context, stdout, stderr io.Writer) error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main, for tests: it returns the exit code. Cancelling ctx is what SIGTERM does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	var file configFile
	exited := -1
	parser, err := newParser(&c, &file, kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	parsed, err := parser.Parse(twoDashes(args))
	if exited >= 0 { // -h, -version
		return exited
	}
	if failed, ok := errors.AsType[*kong.ParseError](err); ok {
		err = withSources(err, failed.Context, &file)
		if isUsage(err) {
			return fail(stderr, exitUsage, err)
		}
		return fail(stderr, exitFailed, err)
	}
	chosen := parsed.Selected().Target.Addr().Interface().(command) // each command has run
	if err := chosen.run(ctx, stdout, stderr); err != nil {
		return fail(stderr, exitFailed, withSources(err, parsed, &file))
	}
	return 0
}

// newParser returns the parser of the command line, which completes c and file.
func newParser(c *commands, file *configFile, o ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append(o, kong.Name("socketio"), kong.Description("Socket.IO server for Go."),
		kong.PostBuild(nameEnvironment), kong.Vars{"version": version()}, kong.Bind(file))...)
}

// fail says in one line what went wrong.
func fail(stderr io.Writer, code int, err error) int {
	_, _ = fmt.Fprintln(stderr, "socketio:", strings.ReplaceAll(strings.TrimPrefix(err.Error(), "socketio: "), "\n", "; "))
	return code
}

// twoDashes lets long flags be written with one dash, as Go programs do.
func twoDashes(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && len(a) > 2 {
			a = "-" + a
		}
		out[i] = a
	}
	return out
}
