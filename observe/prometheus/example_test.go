package prometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gosocketio/socketio"
	sioprometheus "github.com/gosocketio/socketio/observe/prometheus"
)

// Metrics of a server, on a page for Prometheus.
func ExampleNewCollector() {
	io := socketio.New(socketio.Config{})
	io.Of("/chat")
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(sioprometheus.NewCollector(io))
	page := promhttp.HandlerFor(metrics, promhttp.HandlerOpts{})

	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "socketio_sockets") {
			fmt.Print(line)
		}
	}
	// Output:
	// socketio_sockets{namespace="/"} 0
	// socketio_sockets{namespace="/chat"} 0
}
