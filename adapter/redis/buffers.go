package redis

import (
	"bytes"
	"strconv"
)

// inlineBuffers replaces the placeholders in JSON by the bytes, as JSON.stringify writes a Buffer.
func inlineBuffers(text []byte, attachments [][]byte) []byte {
	if len(attachments) == 0 {
		return text
	}
	const placeholder = `{"_placeholder":true,"num":` // cannot be in a string, where quotes are escaped
	var out []byte
	for {
		before, after, found := bytes.Cut(text, []byte(placeholder))
		out = append(out, before...)
		if !found {
			return out
		}
		end := bytes.IndexByte(after, '}')
		num, err := strconv.Atoi(string(after[:max(end, 0)]))
		if err != nil || num < 0 || num >= len(attachments) {
			out, text = append(out, placeholder...), after
			continue
		}
		out = append(out, `{"type":"Buffer","data":[`...)
		for i, b := range attachments[num] {
			if i > 0 {
				out = append(out, ',')
			}
			out = strconv.AppendUint(out, uint64(b), 10)
		}
		out, text = append(out, `]}`...), after[end+1:]
	}
}
