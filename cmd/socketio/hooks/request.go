package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	// maxAnswer limits the body of an answer, in bytes.
	maxAnswer = 1 << 20
	// secretPrefix is what a secret begins with, minKey and maxKey limit its bytes.
	secretPrefix   = "whsec_"
	minKey, maxKey = 24, 64
)

// parseSecret returns the key in a secret.
func parseSecret(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < minKey || len(key) > maxKey { // the text of the error must not show it
		return nil, fmt.Errorf("hooks: a secret must be %s and the base64 of %d to %d bytes, such as from "+
			`echo "whsec_$(head -c 32 /dev/urandom | base64)"`, secretPrefix, minKey, maxKey)
	}
	return key, nil
}

func newClient(c Config) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 0 // MaxIdleConnsPerHost is the limit: there is one host
	transport.MaxIdleConnsPerHost = 2 * c.Parallel
	transport.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newID returns a new random id.
func newID() string {
	var raw [15]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// sign returns the signatures of a request, one for each secret.
func (h *Hooks) sign(id, timestamp string, body []byte) string {
	all := make([]string, len(h.keys))
	for i, key := range h.keys {
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, id+"."+timestamp+".") // never fails
		_, _ = mac.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}

// outcome is how much is known about a request that failed.
type outcome uint8

const (
	notReached outcome = iota // the backend did not handle it
	unknown                   // it may have
	refused                   // it did not, and never will
	garbled                   // it has, and its answer is of no use
)

// failure is why the backend did not answer.
type failure struct {
	outcome outcome
	rule    string
	remedy  string
	value   any
	limit   any
	field   string
	err     error
}

func (f *failure) Error() string {
	text := f.rule
	if f.value != nil {
		text = fmt.Sprintf("%s: %v", text, f.value)
	}
	if f.err != nil {
		text += ": " + f.err.Error()
	}
	return text
}

func (f *failure) Unwrap() error { return f.err }

// late returns the failure of a request that was not answered in time.
func (h *Hooks) late(o outcome) *failure {
	return &failure{
		outcome: o, rule: "backend too slow", remedy: "it did not answer in time: look at its log, and at -hooks-parallel",
		limit: h.cfg.Timeout, field: "-hooks-timeout",
	}
}

// post sends a request once and returns the body of the answer. The error is a *failure.
func (h *Hooks) post(ctx context.Context, t *task) (answer []byte, failed *failure) {
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { written.Store(false) }, WroteHeaders: func() { written.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.cfg.URL, bytes.NewReader(t.body))
	if err != nil {
		return nil, &failure{outcome: refused, rule: "no request", remedy: "the URL does not work", field: "-hooks", err: err}
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "socketio-hooks")
	request.Header.Set("Webhook-Id", t.id)
	request.Header.Set("Webhook-Timestamp", timestamp)
	request.Header.Set("Webhook-Signature", h.sign(t.id, timestamp, t.body))
	// With it net/http sends the request again when a kept connection ended as it was used.
	request.Header.Set("Idempotency-Key", t.id)
	if h.cfg.Observe != nil {
		start := time.Now()
		defer func() { h.cfg.Observe(t.kind.String(), time.Since(start)) }()
	}
	response, err := h.client.Do(request)
	if err != nil {
		return nil, h.broken(ctx, written.Load(), err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	status := response.StatusCode
	switch {
	case err != nil:
		return nil, h.broken(ctx, true, err)
	case status >= 200 && status <= 299:
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return nil, statusFailure(notReached, status)
	case status >= 500:
		return nil, statusFailure(unknown, status)
	default:
		return nil, statusFailure(refused, status)
	}
	switch {
	case len(answer) > maxAnswer:
		return nil, &failure{
			outcome: garbled, rule: "answer too large", remedy: "the backend must answer with less", limit: maxAnswer,
		}
	case !utf8.Valid(answer):
		return nil, invalid(errors.New("it is not UTF-8"))
	}
	return answer, nil
}

// broken returns the failure of a request without an answer.
func (h *Hooks) broken(ctx context.Context, written bool, err error) *failure {
	o := notReached
	if written {
		o = unknown
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) && written:
		return h.late(o)
	case errors.Is(ctx.Err(), context.Canceled):
		return &failure{outcome: o, rule: "given up", err: err}
	case written:
		return &failure{outcome: o, rule: "backend broke off", remedy: "it ended the connection: look at its log", err: err}
	}
	return &failure{
		outcome: o, rule: "backend unreachable", remedy: "see that it runs, and that the URL is right",
		field: "-hooks", err: err,
	}
}

func statusFailure(o outcome, status int) *failure {
	return &failure{
		outcome: o, rule: "status of the backend", value: status, remedy: "it answered {value}: look at its log",
	}
}

// invalid returns the failure of an answer that cannot be understood.
func invalid(err error) *failure {
	return &failure{
		outcome: garbled, rule: "answer not understood", remedy: "see the package hooks for its form", err: err,
	}
}
