package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// redis is a redis-server, perhaps with a replica and sentinels.
type redis struct {
	kit       *kit
	master    *redistest.Server
	pid       string              // of the master
	sentinels *redistest.Sentinel // nil without
}

// aof has Redis write every command to the disk before it answers.
var aof = []string{"--appendonly", "yes", "--appendfsync", "always"}

// startRedis starts Redis with its files below dir.
func startRedis(dir string, sentinels bool, options ...string) (r *redis, err error) {
	r = &redis{kit: &kit{dir: dir}}
	err = r.kit.try(func() {
		if sentinels {
			r.sentinels = redistest.StartSentinel(r.kit, options...)
			r.master = r.sentinels.Master
		} else {
			r.master = redistest.Start(r.kit, options...)
		}
		_, info, _ := strings.Cut(r.master.Do("INFO", "server"), "process_id:")
		r.pid = strings.Fields(info)[0]
	})
	if err != nil {
		r.stop()
	}
	return r, err
}

// addresses are what a client is started with: those of the sentinels, if there are any.
func (r *redis) addresses() string {
	if r.sentinels == nil {
		return r.master.Addr()
	}
	return strings.Join(r.sentinels.Addrs(), ",")
}

func (r *redis) stop() {
	for _, end := range r.kit.ends {
		end()
	}
}

// kit lets a command use package redistest, which is made for tests: what it uses of a test.
type kit struct {
	testing.TB
	dir  string
	ends []func()
}

// failure is what ends the function that try calls.
type failure struct{ error }

// try calls f and returns the error with which it fails.
func (*kit) try(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			failed, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = failed.error
		}
	}()
	f()
	return nil
}

func (*kit) Helper()                           {}
func (k *kit) Cleanup(end func())              { k.ends = append(k.ends, end) }
func (*kit) Fatal(args ...any)                 { panic(failure{errors.New(fmt.Sprint(args...))}) }
func (*kit) Fatalf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func (k *kit) TempDir() string {
	dir, err := os.MkdirTemp(k.dir, "redis-")
	if err != nil {
		k.Fatal(err)
	}
	return dir
}
