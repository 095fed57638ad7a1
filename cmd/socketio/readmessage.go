package main

import (
	"fmt"
	"io"
)

// readMessage appends a message of at most echoLimit bytes to buf, however many fragments it has.
func readMessage(r io.Reader, buf []byte) ([]byte, error) {
	limited := io.LimitReader(r, echoLimit+1)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := limited.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > echoLimit {
			return buf, fmt.Errorf("message of more than %d bytes", echoLimit)
		}
		if err == io.EOF { //nolint:errorlint // Read returns it bare
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}
