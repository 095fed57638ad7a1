package chat_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gosocketio/socketio/client-js/chat"
)

func ExampleHandler() {
	page := chat.Handler("/socket.io/")

	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
