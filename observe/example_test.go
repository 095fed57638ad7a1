package observe_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/observe"
)

// The operators' pages, on an address that only operators reach.
func ExampleHandler() {
	io := socketio.New(socketio.Config{})
	admin := observe.Handler(io, observe.Config{})
	// go http.ListenAndServe("127.0.0.1:9464", admin)

	w := httptest.NewRecorder()
	admin.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 200 ready
}
