package protocol

import "errors"

// Sentinels for errors.Is.
var (
	// ErrParse is wrapped by every error of a [Decoder].
	ErrParse = errors.New("protocol: parse error")
	// ErrEncode is wrapped by the errors of the Append functions.
	ErrEncode = errors.New("protocol: cannot encode")
	// ErrDecode is wrapped by the errors of [Decode].
	ErrDecode = errors.New("protocol: cannot decode")
)

// ParseError says what is wrong with a peer's message.
// Its text is that of the official decoder, where that has one.
type ParseError struct{ Message string }

// Error returns the message.
func (e *ParseError) Error() string { return e.Message }

// Unwrap returns [ErrParse].
func (e *ParseError) Unwrap() error { return ErrParse }

// The errors of a [Decoder]. For an unknown packet type the message names the type.
var (
	// ErrIllegalAttachments: the attachment count is missing, malformed or 0.
	ErrIllegalAttachments = &ParseError{"Illegal attachments"}
	// ErrTooManyAttachments: the count exceeds [Decoder.MaxAttachments].
	ErrTooManyAttachments = &ParseError{"too many attachments"}
	// ErrInvalidID: the acknowledgement id exceeds 2^53-1, the largest that JavaScript holds exactly.
	// The official decoder has no such error.
	ErrInvalidID = &ParseError{"invalid packet id"}
	// ErrInvalidPayload: the payload is not JSON, is nested too deeply, or does not fit the type.
	ErrInvalidPayload = &ParseError{"invalid payload"}
	// ErrUnexpectedText: text came while attachments were missing.
	ErrUnexpectedText = &ParseError{"got plaintext data when reconstructing a packet"}
	// ErrUnexpectedBinary: an attachment came that no packet announced.
	ErrUnexpectedBinary = &ParseError{"got binary data when not reconstructing a packet"}
	// ErrPlaceholder: a placeholder refers to an attachment that does not exist.
	ErrPlaceholder = &ParseError{"illegal attachments"}
	// ErrEmpty: the message is empty. The official decoder fails with an error of its runtime.
	ErrEmpty = &ParseError{"empty packet"}
	// ErrTooLarge: a packet and its attachments exceed [Decoder.MaxBytes]. The official decoder has
	// no such error.
	ErrTooLarge = &ParseError{"packet too large"}
)

func errUnknownType(c byte) error {
	// The official decoder prints the number that the character converts to.
	if c < '0' || c > '9' {
		return &ParseError{"unknown packet type NaN"}
	}
	return &ParseError{"unknown packet type " + string(rune(c))}
}
