package wheel_test

import (
	"fmt"
	"time"

	"github.com/gosocketio/socketio/internal/wheel"
)

type session struct {
	deadline wheel.Timer
	expired  chan struct{}
}

func (s *session) Expired(*wheel.Timer) { close(s.expired) }

func Example() {
	w := wheel.New(time.Millisecond)
	defer w.Close()

	s := &session{expired: make(chan struct{})}
	w.Schedule(&s.deadline, time.Hour, s)
	fmt.Println("pending:", w.Pending())

	w.Schedule(&s.deadline, 10*time.Millisecond, s) // moves it
	<-s.expired
	fmt.Println("pending:", w.Pending())
	fmt.Println("stopped:", w.Stop(&s.deadline))
	// Output:
	// pending: 1
	// pending: 0
	// stopped: false
}
