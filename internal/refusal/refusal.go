// Package refusal describes what the server refuses and why it ends a connection, and logs that. Each
// refusal and each end is one line.
package refusal

import "fmt"

// Refusal is a rule that a client broke, or a limit that it reached. As an error it wraps Err.
type Refusal struct { //nolint:errname // it is a description first, and an error where one is needed
	// Err is the sentinel for errors.Is, such as engineio.ErrPayloadTooLarge. It may be nil.
	Err error
	// Rule names the rule in a few words. It is the kind of a warning, too.
	Rule string
	// Value is what the client sent or took.
	Value any
	// Limit is what the rule allows.
	Limit any
	// Event is the name of the event, if it is about one.
	Event string
	// Field is the field that an operator may change, such as "Config.MaxPayload".
	Field string
	// Format is the text of the error behind that of Err, with Value and Limit as arguments 1 and 2.
	Format string
	// Remedy, if set, makes the line a warning: what the operator should do. "{value}" stands for Value.
	Remedy string
	// Key tells warnings of one rule apart: one a minute for each. "" is a key like others.
	Key string
}

// Error implements error. It formats the text anew at each call.
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
