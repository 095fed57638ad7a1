package clusterwire

import (
	"strconv"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// flags are the flags of a broadcast in a message.
type flags struct {
	Volatile bool    `json:"volatile"`
	Compress *bool   `json:"compress"`
	Timeout  float64 `json:"timeout"` // milliseconds
}

func (f flags) decode() adapter.Flags {
	return adapter.Flags{
		Volatile:   f.Volatile,
		NoCompress: f.Compress != nil && !*f.Compress,
		Timeout:    time.Duration(min(max(f.Timeout, 0), 1e9)) * time.Millisecond,
	}
}

// appendFlags appends the JSON object of flags. Those that are not set must not be there.
func appendFlags(dst []byte, f adapter.Flags) []byte {
	dst = append(dst, '{')
	start := len(dst)
	flag := func(text string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, text...)
	}
	if f.Volatile {
		flag(`"volatile":true`)
	}
	if f.NoCompress {
		flag(`"compress":false`)
	}
	if f.Timeout > 0 {
		flag(`"timeout":`)
		dst = strconv.AppendInt(dst, max(f.Timeout.Milliseconds(), 1), 10)
	}
	return append(dst, '}')
}
