// Package refusal describes and logs refused requests and ended connections, each in one line.
package refusal

import (
	"fmt"
	"strings"
)

// Refusal is a rule that a client violated, or a limit that it reached. As an error it wraps Err.
type Refusal struct { //nolint:errname // it is a description first, and an error where one is needed
	// Err is the sentinel for errors.Is, such as engineio.ErrPayloadTooLarge. It may be nil.
	Err error
	// Rule names the rule in a few words.
	Rule string
	// Value is what the client sent or used.
	Value any
	// Limit is what the rule allows.
	Limit any
	// Event is the name of the event, if any.
	Event string
	// Field is the setting that an operator may change, such as "Config.MaxPayload".
	Field string
	// Format formats Value and Limit for the text of the error, behind that of Err.
	Format string
	// Remedy, if set, tells the operator what to do: the line is a warning. "{value}" stands for
	// Value.
	Remedy string
	// Key limits warnings: one a minute for each Rule and Key.
	Key string
}

// Error implements error. Each call formats the text.
func (r *Refusal) Error() string {
	text := r.Rule
	if r.Err != nil {
		text = r.Err.Error()
	}
	if r.Format != "" {
		text += ": " + fmt.Sprintf(r.Format, r.Value, r.Limit)
	}
	if r.Field != "" {
		text += " (" + r.Field + ")"
	}
	return text
}

// Unwrap returns Err.
func (r *Refusal) Unwrap() error { return r.Err }

// prefixes are the first words of the errors of this module.
var prefixes = []string{
	"socketio: ", "engineio: ", "wire: ", "protocol: ", "msgpack: ", "adapter: ", "clientjs: ",
	"invalid configuration: ", "unusable client files: ",
}

type inner struct{ error }

// Inner wraps err for the text of another error of this module: its own text names no package.
func Inner(err error) error { return inner{err} }

// Error implements error.
func (i inner) Error() string {
	text := i.error.Error()
	for _, p := range prefixes {
		text = strings.TrimPrefix(text, p)
	}
	return text
}

// Unwrap returns the wrapped error.
func (i inner) Unwrap() error { return i.error }
