package httploop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// Handlers find what they know from net/http: each is run by both, and must have answered the same.
func TestResponses(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for name, handler := range map[string]http.HandlerFunc{
		"nothing":       func(http.ResponseWriter, *http.Request) {},
		"a status":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) },
		"an odd status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) },
		"two statuses":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500) },
		"no content": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			wantErr(t, w, "a", http.ErrBodyNotAllowed)
		},
		"not modified": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(304)
			wantErr(t, w, "a", http.ErrBodyNotAllowed)
		},
		"text": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
		"HTML": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); _, _ = io.WriteString(w, "<html>") },
		"several writes": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, "a")
			_, _ = fmt.Fprint(w, "")
			_, _ = fmt.Fprint(w, "b")
		},
		"an error":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", 500) },
		"not found": http.NotFound,
		"no type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = fmt.Fprint(w, "a")
		},
		"encoded": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "x")
			_, _ = fmt.Fprint(w, "a")
		},
		"late headers": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			w.Header().Set("X", "y")
			_, _ = fmt.Fprint(w, "a")
		},
		"headers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["X"] = []string{"a", "b"}
			w.Header()["y"] = []string{" c\r\nd "}
			w.Header()["z :"] = []string{"e"}
		},
		"a date": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", "yesterday") },
		"declared": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = fmt.Fprint(w, "ab")
			wantErr(t, w, "c", http.ErrContentLength)
		},
		"declared, flush": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = fmt.Fprint(w, "a")
			flush(t, w)
			_, _ = fmt.Fprint(w, "b")
		},
		"declared, big": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(big)+1))
			_, _ = fmt.Fprint(w, "a")
			_, _ = fmt.Fprint(w, big)
		},
		"declared, short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			_, _ = fmt.Fprint(w, "ab")
		},
		"badly declared": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "x")
			_, _ = fmt.Fprint(w, "ab")
		},
		"flush": func(w http.ResponseWriter, _ *http.Request) { flush(t, w); _, _ = fmt.Fprint(w, "b") },
		"write, flush": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, "a")
			flush(t, w)
			_, _ = fmt.Fprint(w, "b")
		},
		"big": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, big) },
		"the last": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			_, _ = fmt.Fprint(w, "a")
		},
		"early hints": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "x")
			w.WriteHeader(103)
			w.Header().Del("Link")
			_, _ = fmt.Fprint(w, "a")
		},
		"body left": func(w http.ResponseWriter, r *http.Request) {
			_ = r.Body.Close()
			_, err := r.Body.Read(make([]byte, 1))
			_, _ = fmt.Fprint(w, err)
		},
		"cannot be taken": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "x")
			_, _ = fmt.Fprint(w, http.NewResponseController(w).EnableFullDuplex())
		},
		"impossible": func(w http.ResponseWriter, _ *http.Request) {
			defer func() { _, _ = fmt.Fprint(w, recover() != nil) }()
			w.WriteHeader(99)
		},
	} {
		for method, request := range map[string]string{"GET": get, "POST": post("body")} {
			t.Run(name+" "+method, func(t *testing.T) {
				var got [2]string
				for i, off := range []bool{true, false} {
					x := start(t, func(w http.ResponseWriter, r *http.Request) {
						if r.URL.RawQuery != "" {
							return
						}
						handler(w, r)
					}, off)
					c := x.dial()
					c.send("GET /ours?first HTTP/1.1\r\nHost: x\r\n\r\n")
					c.read()
					c.send(request)
					got[i] = c.describe()
				}
				if got[1] != got[0] {
					t.Errorf("got  %s\nwant %s", got[1], got[0])
				}
			})
		}
	}
}

func wantErr(t *testing.T, w io.Writer, text string, want error) {
	if _, err := io.WriteString(w, text); !errors.Is(err, want) {
		t.Errorf("Write returned %v, want %v", err, want)
	}
}

func flush(t *testing.T, w http.ResponseWriter) {
	if err := http.NewResponseController(w).Flush(); err != nil {
		t.Error(err)
	}
}

// describe reads responses up to a final one and says all that matters about them.
func (c *client) describe() (text string) {
	for {
		res, err := http.ReadResponse(c.r, nil)
		if err != nil {
			return text + err.Error()
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		h := maps.Clone(res.Header)
		if len(h.Get("Date")) == len(http.TimeFormat) {
			h.Set("Date", "now")
		}
		h.Del("Content-Length") // or chunks, or until the end
		text += fmt.Sprintf("%s %v %d bytes, %.50q, %v; ", res.Status, h, len(b), b, err)
		if res.StatusCode >= 200 {
			return text
		}
	}
}

// Bodies without a declared length: short ones get one, so that the connection goes on.
func TestLengthIsFoundOut(t *testing.T) {
	x := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "abc")
		if r.URL.RawQuery == "flush" {
			flush(t, w)
		}
	}, false)
	c := x.taken()
	c.send(get)
	if got := c.read(); got != (answer{200, 3, false, "abc"}) {
		t.Errorf("got %+v", got)
	}
	c.send("GET /ours?flush HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := c.read(); got != (answer{200, -1, true, "abc"}) {
		t.Errorf("got %+v", got)
	}
	c.wantEnd()
}

// An answer that comes before the body is read by a peer that still sends, and is the last one.
func TestAnswerBeforeTheBody(t *testing.T) {
	x := start(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(413) }, false)
	c := x.taken()
	c.send("POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
	if got := c.read(); got.status != 413 || !got.last {
		t.Errorf("got %+v", got)
	}
	c.send(strings.Repeat("a", 500_000)) // is not read by anybody, and not refused either
	c.wantEnd()
	x.await(0) // within partWait, for the peer has not closed its side
}

// A short rest of a body is not worth ending the connection for.
func TestAnswerBeforeTheRest(t *testing.T) {
	x := start(t, func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.Method) }, false)
	c := x.taken()
	c.send("POST /ours HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nGET /")
	c.want("POST")
	c.send("GET")
	c.send(" /" + get + post(""))
	c.want("GET")
	c.want("POST")
}

// A peer that does not read is cut off at the deadline, or if there is none at WriteTimeout.
func TestWriteDeadline(t *testing.T) {
	for name, set := range map[string]bool{"the handler's": true, "WriteTimeout": false} {
		for _, request := range []string{get, post("a")} {
			t.Run(name+" "+request[:4], func(t *testing.T) {
				errs := make(chan error, 1)
				x := start(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.RawQuery != "" {
						return
					}
					if set {
						_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
					}
					_, err := w.Write(make([]byte, 100<<20))
					if _, again := w.Write([]byte("a")); again == nil {
						err = errors.New("a write after it succeeded")
					}
					errs <- err
				}, false)
				if !set {
					x.WriteTimeout = 20 * time.Millisecond
				}
				c := x.dial()
				c.send("GET /ours?first HTTP/1.1\r\nHost: x\r\n\r\n")
				c.read()
				c.send(request)
				if err := next(t, errs); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("Write returned %v", err)
				}
				x.await(0)
			})
		}
	}
}

// A large answer waits for its peer.
func TestLargeAnswer(t *testing.T) {
	const size = 20 << 20
	x := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "" {
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = w.Write(make([]byte, size))
		}
	}, false)
	c := x.dial()
	c.send("GET /ours?first HTTP/1.1\r\nHost: x\r\n\r\n")
	c.read()
	for _, request := range []string{get, post("a")} {
		c.send(request)
		if got := c.read(); len(got.body) != size {
			t.Errorf("got %d bytes", len(got.body))
		}
	}
}

// What a handler keeps and uses after it has returned does no harm to the next exchange.
func TestUseAfterReturn(t *testing.T) {
	type kept struct {
		w http.ResponseWriter
		r *http.Request
	}
	keep := make(chan kept, 10)
	x := start(t, func(w http.ResponseWriter, r *http.Request) {
		keep <- kept{w, r}
		_, _ = io.WriteString(w, "fine")
	}, false)
	c := x.taken()
	next(t, keep)
	for range 3 {
		c.send(post("body"))
		c.want("fine")
		k := next(t, keep)
		next(t, k.r.Context().Done())
		if _, err := io.WriteString(k.w, "late"); err == nil {
			t.Error("a late Write succeeded")
		}
		k.w.WriteHeader(103)
		if _, err := k.r.Body.Read(make([]byte, 4)); !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("a late Read returned %v", err)
		}
		_ = http.NewResponseController(k.w).SetReadDeadline(time.Unix(1, 0))
	}
}

// How much garbage a request is, with a handler that makes none.
func BenchmarkRequest(b *testing.B) {
	for name, text := range map[string]string{"GET": get, "POST": post("body")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, lines, v := scan([]byte(text), maxHead)
				if v != whole || build(text[:n], lines, context.Background()) == nil {
					b.Fatal(v)
				}
			}
		})
	}
}
