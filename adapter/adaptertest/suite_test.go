package adaptertest_test

import (
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestMemory(t *testing.T) {
	adaptertest.Suite{
		Alone:    true,
		Adapters: func(*testing.T, int) []adapter.Factory { return []adapter.Factory{adapter.Memory} },
	}.Run(t)
}

func TestCluster(t *testing.T) {
	adaptertest.Suite{Adapters: func(_ *testing.T, n int) (all []adapter.Factory) {
		bus := adaptertest.NewBus()
		for range n {
			all = append(all, bus.Adapter(adapter.ClusterConfig{}))
		}
		return all
	}}.Run(t)
}
