package wire

// AppendFramesBare appends frames in the form of a WebTransport stream.
//
// That is a frame without its first byte, whose opcode moves into the highest bit of the length
// (Engine.IO protocol 4, "WebTransport"). An empty binary message, which official clients take for
// an error in that form, becomes the text "b".
func AppendFramesBare(dst, frames []byte) []byte {
	for len(frames) > 0 {
		binary, payload, rest := NextFrame(frames)
		if binary && len(payload) == 0 {
			dst = append(dst, 1, 'b')
		} else {
			at := len(dst)
			dst = append(dst, frames[1:len(frames)-len(rest)]...)
			if binary {
				dst[at] |= 0x80
			}
		}
		frames = rest
	}
	return dst
}

// FramesBare is AppendFramesBare for frames that must not change. A single text frame is not
// copied.
func FramesBare(frames []byte) []byte {
	if binary, _, rest := NextFrame(frames); !binary && len(rest) == 0 {
		return frames[1:]
	}
	return AppendFramesBare(make([]byte, 0, len(frames)), frames)
}
