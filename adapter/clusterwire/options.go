package clusterwire

import (
	"strconv"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// Options reads the object of options. present is false for null.
func (r *Reader) Options(o *adapter.Options) (present bool) {
	return r.Object(func(key string) {
		switch key {
		case "rooms":
			o.Rooms = r.Strings(o.Rooms[:0])
		case "except":
			o.Except = r.Strings(o.Except[:0])
		case "flags":
			o.Flags = adapter.Flags{}
			r.flags(&o.Flags)
		}
	})
}

func (r *Reader) flags(f *adapter.Flags) {
	r.Object(func(key string) {
		switch key {
		case "volatile":
			f.Volatile = r.Bool()
		case "compress":
			f.NoCompress = r.Raw().is(false)
		case "timeout":
			f.Timeout = time.Duration(min(max(r.Number(), 0), 1e9)) * time.Millisecond
		case "expectSingleResponse":
			f.ExpectSingle = r.Bool()
		}
	})
}

// AppendOptions appends the JSON object of options. Flags that are not set are not in it.
func AppendOptions(dst []byte, o adapter.Options) []byte {
	dst = AppendStrings(append(dst, `{"rooms":`...), o.Rooms)
	dst = AppendStrings(append(dst, `,"except":`...), o.Except)
	dst = append(dst, `,"flags":{`...)
	start := len(dst)
	flag := func(text string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, text...)
	}
	if o.Flags.Volatile {
		flag(`"volatile":true`)
	}
	if o.Flags.NoCompress {
		flag(`"compress":false`)
	}
	if o.Flags.ExpectSingle {
		flag(`"expectSingleResponse":true`)
	}
	if o.Flags.Timeout > 0 {
		flag(`"timeout":`)
		dst = strconv.AppendInt(dst, max(o.Flags.Timeout.Milliseconds(), 1), 10)
	}
	return append(dst, '}', '}')
}
