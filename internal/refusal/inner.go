package refusal

import "strings"

// prefixes are what errors of the packages of this module begin with.
var prefixes = []string{"socketio: ", "engineio: ", "wire: ", "protocol: ", "msgpack: ", "adapter: ", "clientjs: ", "invalid configuration: ", "unusable client files: "}

// inner is an error inside another one.
type inner struct{ error }

// Inner returns err for the text of another error of this module. That names its package, so that the
// text of err does not. errors.Is and errors.As see err.
func Inner(err error) error { return inner{err} }

// Error returns the text without the name of a package.
func (i inner) Error() string {
	text := i.error.Error()
	for _, p := range prefixes {
		text = strings.TrimPrefix(text, p)
	}
	return text
}

// Unwrap returns the error itself.
func (i inner) Unwrap() error { return i.error }
