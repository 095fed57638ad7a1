package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
)

// taskset is the command that pins another one; "" where there is none, or only one core.
var taskset = findTaskset()

func findTaskset() string {
	path, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 {
		return ""
	}
	return path
}

// spin keeps the generator's core from sleeping: waking it would cost the server several microseconds a message. The spinner
// yields to everything else. The function that it returns ends it.
func (b *bench) spin(ctx context.Context) (stop func()) {
	chrt, err := exec.LookPath("chrt")
	if err != nil || taskset == "" {
		return func() {}
	}
	line := pinned(1, []string{chrt, "--idle", "0", os.Args[0], "-spin"})
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	if cmd.Start() != nil {
		return func() {}
	}
	return func() {
		_ = cmd.Process.Kill() // fails when it has ended
		_ = cmd.Wait()
	}
}
