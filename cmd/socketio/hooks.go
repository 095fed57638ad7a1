package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/hooks"
)

// webhooks are the requests to a backend in another language, and their flags.
type webhooks struct {
	Hooks           string        `placeholder:"URL" help:"Backend that is sent what clients do, as signed HTTP requests (docs/backend.md): they connect, send events and disconnect. Its answers accept or refuse clients and acknowledge events."`
	HooksSecret     []string      `placeholder:"SECRET" help:"Secret that signs the requests: whsec_ and the base64 of 24 to 64 bytes, such as from echo \"whsec_$(head -c 32 /dev/urandom | base64)\". Several, separated by commas, while one is being replaced. Better set in the environment, where other users do not see it."`
	HooksNamespaces []string      `default:"/" placeholder:"NAMESPACE" help:"Namespaces whose clients the backend serves, separated by commas (${default})."`
	HooksTimeout    time.Duration `default:"10s" placeholder:"DURATION" help:"How long the backend may take to answer (${default}), at most 30s. Then a client that connects is refused, and an event is dropped."`
	HooksParallel   int           `default:"64" placeholder:"N" help:"How many requests the backend gets at a time (${default}), and as many of clients that connect."`
	HooksQueue      int           `default:"64" placeholder:"MIB" help:"How much may wait for the backend, in MiB (${default}). Beyond that events are dropped."`
}

// config returns the configuration of the hooks.
func (w *webhooks) config(logger *slog.Logger) hooks.Config {
	return hooks.Config{
		URL: w.Hooks, Secrets: w.HooksSecret, Timeout: w.HooksTimeout, Parallel: w.HooksParallel,
		QueueBytes: w.HooksQueue << 20, Logger: logger,
	}
}

// checkHooks returns an error that names the flag whose value cannot work.
func (w *webhooks) checkHooks(demo bool) error {
	if w.Hooks == "" {
		if len(w.HooksSecret) > 0 {
			return errors.New("-hooks-secret needs -hooks")
		}
		return nil
	}
	switch {
	case demo:
		return errors.New("-demo and -hooks do not go together: both would answer the same events")
	case w.HooksTimeout <= 0:
		return fmt.Errorf("-hooks-timeout is %v, it must be positive", w.HooksTimeout)
	case w.HooksParallel <= 0:
		return fmt.Errorf("-hooks-parallel is %d, it must be positive", w.HooksParallel)
	case w.HooksQueue <= 0 || w.HooksQueue > maxHooksQueue:
		return fmt.Errorf("-hooks-queue is %d, it must be 1 to %d", w.HooksQueue, maxHooksQueue)
	case len(w.HooksNamespaces) == 0:
		return errors.New("-hooks-namespaces is empty")
	}
	for _, name := range w.HooksNamespaces {
		if !strings.HasPrefix(name, "/") || name == adminNamespace {
			return fmt.Errorf("-hooks-namespaces has %q, it must be the name of a namespace, such as /chat", name)
		}
	}
	_, err := hooks.New(w.config(nil))
	return namingFlags(err)
}

// maxHooksQueue is 1 GiB, in MiB: more than one backend works off before its clients have given up.
const maxHooksQueue = 1 << 10

// startHooks sends connects, events and disconnects of clients to the backend. stop ends that once the queued
// requests are sent. Without -hooks startHooks does nothing. auth has checked the tokens of clients, if they have any.
func (w *webhooks) startHooks(
	sio *socketio.Server, auth *tokens, logger *slog.Logger,
) (metrics prometheus.Collector, stop func(context.Context), err error) {
	if w.Hooks == "" {
		return nil, func(context.Context) {}, nil
	}
	c, m := w.config(logger), newHookMetrics()
	c.Claims, c.Observe = auth.claims(), m.observe
	if m.hooks, err = hooks.New(c); err != nil {
		return nil, nil, fmt.Errorf("-hooks: %w", err)
	}
	for _, name := range w.HooksNamespaces {
		m.hooks.Install(sio.Of(name))
	}
	logger.Info("a backend serves the clients", "namespaces", w.HooksNamespaces)
	return m, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, stopTimeout/2) // the rest is for what ends after it
		defer cancel()
		if err := m.hooks.Close(ctx); err != nil {
			logger.Warn(err.Error())
		}
	}, nil
}

// hookMetrics are the numbers of the hooks for Prometheus.
type hookMetrics struct {
	hooks                                    *hooks.Hooks
	seconds                                  *prometheus.HistogramVec
	answered, failed, retries, waiting, size *prometheus.Desc
}

func newHookMetrics() *hookMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("socketio_hooks_"+name, help, labels, nil)
	}
	return &hookMetrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "socketio_hooks_request_seconds", Help: "How long requests to the backend took, by type.",
		}, []string{"type"}),
		answered: desc("answered_total", "Requests that the backend answered, by type.", "type"),
		failed:   desc("failed_total", "Connects refused, and events and disconnects dropped, by type and rule.", "type", "rule"),
		retries:  desc("retries_total", "Requests that were sent again."),
		waiting:  desc("waiting", "Events and disconnects that wait for the backend or are being sent."),
		size:     desc("waiting_bytes", "Size of the requests that wait for the backend."),
	}
}

func (m *hookMetrics) observe(kind string, took time.Duration) {
	m.seconds.WithLabelValues(kind).Observe(took.Seconds())
}

// Describe implements prometheus.Collector.
func (m *hookMetrics) Describe(ch chan<- *prometheus.Desc) {
	m.seconds.Describe(ch)
	for _, d := range []*prometheus.Desc{m.answered, m.failed, m.retries, m.waiting, m.size} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *hookMetrics) Collect(ch chan<- prometheus.Metric) {
	m.seconds.Collect(ch)
	s := m.hooks.Stats()
	for kind, n := range s.Answered {
		ch <- prometheus.MustNewConstMetric(m.answered, prometheus.CounterValue, float64(n), kind)
	}
	for kind, rules := range s.Failed {
		for rule, n := range rules {
			ch <- prometheus.MustNewConstMetric(m.failed, prometheus.CounterValue, float64(n), kind, rule)
		}
	}
	ch <- prometheus.MustNewConstMetric(m.retries, prometheus.CounterValue, float64(s.Retries))
	ch <- prometheus.MustNewConstMetric(m.waiting, prometheus.GaugeValue, float64(s.Waiting))
	ch <- prometheus.MustNewConstMetric(m.size, prometheus.GaugeValue, float64(s.WaitingBytes))
}
