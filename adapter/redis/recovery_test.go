package redis

import (
	"encoding/base64"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func TestRecoveryAfterKill(t *testing.T) {
	factory := func(url string) adapter.Factory { return New(Config{URL: url}) }
	brokertest.RecoverAfterKill(t, factory, func(t *testing.T) (string, func(string) string) {
		r := redistest.Start(t)
		return "redis+streams://" + r.Addr(), func(pid string) string {
			packed, _ := base64.StdEncoding.DecodeString(r.Do("GET", "sio:session:"+pid))
			return string(packed)
		}
	})
}
