package engineio

import "sync"

// Prepared is one indivisible unit of frames on its way to many sessions. What a session's
// connection needs beyond the frames themselves, such as their compressed form, is made when the
// first one needs it, once for all of them.
type Prepared struct {
	frames []byte

	mu    sync.Mutex // held while a form is made, so that nobody else makes it too
	forms []preparedForm
}

type preparedForm struct {
	form   form
	frames []byte
}

// Prepare returns frames, as package wire builds them, for many messages. They must not be changed
// any more.
func Prepare(frames []byte) *Prepared { return &Prepared{frames: frames} }

// Len returns the number of bytes of the frames.
func (p *Prepared) Len() int { return len(p.frames) }

// as returns the frames in a form.
func (p *Prepared) as(f form, d *deflater) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.forms {
		if p.forms[i].form == f {
			return p.forms[i].frames
		}
	}
	made := f.of(p.frames, d)
	p.forms = append(p.forms, preparedForm{f, made})
	return made
}
