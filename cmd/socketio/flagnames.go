package main

import (
	"errors"
	"log/slog"
	"strings"
)

// flagNames replaces the names of fields by those of the flags that set them, in errors and in the log. Of two names
// that begin at the same place the first one counts.
var flagNames = strings.NewReplacer(
	"jwtauth: exactly one of Config.Secret, Keys and JWKS", "exactly one of -jwt-secret, -jwt-keys and -jwt-jwks",
	"jwtauth: Config.Secret", "-jwt-secret",
	"jwtauth: Config.Keys", "-jwt-keys",
	"jwtauth: Config.JWKS", "-jwt-jwks",
	"socketio: invalid configuration: CORS.Origins", "-cors",
	"socketio: invalid configuration: PingInterval", "-ping-interval",
	"socketio: invalid configuration: PingTimeout", "-ping-timeout",
	"Config.CloseExpired", "-jwt-close-expired",
	"hooks: Config.URL", "-hooks",
	"hooks: Config.Secrets", "-hooks-secret",
	"hooks: a secret", "-hooks-secret: a secret",
	"hooks: Config.Timeout", "-hooks-timeout",
	"api: Config.Token", "-api-token",
	"api: Config.MaxBody", "-api-max-body",
	"api: Config.MaxRequests", "-api-max-requests",
	"api: Config.MaxAckTimeout", "-api-max-ack-timeout",
	"Config.MaxBody", "-api-max-body",
	"Config.MaxRequests", "-api-max-requests",
	"Config.MaxAckTimeout", "-api-max-ack-timeout",
	"Config.Admission.MaxPerAddress", "-limit-connections",
	"Admission.MaxPerAddress", "-limit-connections",
	"Config.ByteLimit", "-limit-bytes",
	"Config.EventLimit", "-limit-events",
	"Config.NamespaceEventLimits", "-limit-namespace-events",
	"Config.TrustedProxies", "-trusted-proxy",
	"Config.CORS.Origins to []string{\"", "-cors to \"",
	"\"} to let its pages connect", "\" to let its pages connect",
	"Config.CORS.Origins", "-cors",
	"Config.MaxUntrustedPayload, until the client is trusted", "-max-untrusted-payload",
	"Config.MaxUntrustedPayload", "-max-untrusted-payload",
	"Config.MaxPayload", "-max-payload",
	"Config.MaxHeaderBytes", "-max-header-bytes",
	"Config.PingInterval", "-ping-interval",
	"Config.PingTimeout", "-ping-timeout",
	"Config.AllowEIO3 to true", "-eio3",
	"Config.AllowEIO3", "-eio3",
	"Config.Path", "-path",
	"Relay.Secret", "-relay-secret",
)

// namingFlags returns err with the names of flags.
func namingFlags(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(flagNames.Replace(err.Error()))
}

// attrNamingFlags replaces an attribute of the log by one with the names of flags, if it is of ours: what
// clients say stays.
func attrNamingFlags(groups []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.MessageKey, "field", "remedy", "error":
		if len(groups) == 0 && a.Value.Kind() == slog.KindString {
			a.Value = slog.StringValue(flagNames.Replace(a.Value.String()))
		}
	}
	return a
}
