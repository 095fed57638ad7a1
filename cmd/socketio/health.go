package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// healthTimeout bounds the wait for an answer.
const healthTimeout = 2 * time.Second

// health is the command "health": an image without a shell has no other program that could ask.
type health struct {
	URL string `arg:"" optional:"" help:"Page to ask for. Default: / at the port of SOCKETIO_ADDR, or else 3001."`
}

// page returns the page to ask for.
func (c *health) page() string {
	_, port, _ := net.SplitHostPort(os.Getenv(prefix + "ADDR"))
	return cmp.Or(c.URL, "http://"+net.JoinHostPort("127.0.0.1", cmp.Or(port, "3001"))+"/")
}

// run returns nil if the server answers with status 200.
func (c *health) run(ctx context.Context, _, _ io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, c.page(), nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without the environment's proxy
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", c.page(), res.Status)
	}
	return nil
}
