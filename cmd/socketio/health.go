package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthTimeout bounds the wait for an answer.
const healthTimeout = 2 * time.Second

// health is the command "health": an image without a shell has no other program that could ask.
type health struct {
	URL string `arg:"" optional:"" default:"http://127.0.0.1:3001/" help:"Page to ask for (${default})."`
}

// run returns nil if the server answers with status 200.
func (c *health) run(ctx context.Context, _, _ io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, c.URL, nil)
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
		return fmt.Errorf("%s: %s", c.URL, res.Status)
	}
	return nil
}
