package leak

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

func TestLeftNamesABlockedGoroutine(t *testing.T) {
	before := IDs()
	release := make(chan struct{})
	started, ended := make(chan struct{}), make(chan struct{})
	go blocked(started, release, ended)
	<-started

	left := Left(before, 0)
	if len(left) != 1 || !strings.Contains(left[0], "leak.blocked") {
		t.Errorf("Left = %q, want the one blocked goroutine", left)
	}

	close(release)
	<-ended
	if left := Left(before, time.Second); len(left) != 0 {
		t.Errorf("Left = %q after the goroutine ended, want none", left)
	}
}

func TestLeftWaitsForGoroutinesOnTheirWayOut(t *testing.T) {
	before := IDs()
	release := make(chan struct{})
	go blocked(make(chan struct{}), release, make(chan struct{}))
	time.AfterFunc(5*time.Millisecond, func() { close(release) })
	if left := Left(before, Grace); len(left) != 0 {
		t.Errorf("Left = %q, want none", left)
	}
}

func blocked(started chan<- struct{}, release <-chan struct{}, ended chan<- struct{}) {
	close(started)
	<-release
	close(ended)
}

func ExampleMain() {
	// In each package's tests:
	//
	//	func TestMain(m *testing.M) { leak.Main(m) }
	fmt.Println(Grace)
	// Output: 30s
}
