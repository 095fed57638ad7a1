package msgpack

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// AppendValue appends a JSON value as MessagePack, with the attachments where their placeholders are.
func AppendValue(dst, json []byte, attachments [][]byte) ([]byte, error) {
	e := encoder{text: json, in: jsontext.NewDecoder(bytes.NewReader(json), jsontext.AllowDuplicateNames(true)), attachments: attachments}
	out, err := e.value(dst)
	if err == nil {
		if _, err = e.in.ReadToken(); errors.Is(err, io.EOF) {
			return out, nil
		}
	}
	return dst, fmt.Errorf("msgpack: not one JSON value: %w", err)
}

// ReadValue returns one MessagePack value, which must be all of data, as JSON; binary data becomes attachments, of which there may
// be so many, and placeholders. It is an error (protocol.ErrParse) when data is something else, or holds an object with the member
// "_placeholder" beside binary data. What it returns does not refer to data.
func ReadValue(data []byte, maxAttachments int) (json []byte, attachments [][]byte, err error) {
	t := transcoder{max: maxAttachments}
	rest, err := t.value(data, 0)
	switch {
	case err != nil:
		return nil, nil, err
	case len(rest) > 0:
		return nil, nil, errFormat
	case t.literal && len(t.attachments) > 0:
		return nil, nil, errPayload
	}
	for i, a := range t.attachments {
		t.attachments[i] = bytes.Clone(a)
		if a != nil && t.attachments[i] == nil {
			t.attachments[i] = []byte{}
		}
	}
	return t.json, t.attachments, nil
}
