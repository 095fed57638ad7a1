package main

import (
	"io"
	"log/slog"
)

// logs are the flags for what the server writes to standard error.
type logs struct {
	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	LogFormat string `default:"text" enum:"text,json" help:"text, or json: an object a line."`
}

// logger returns the logger of the server.
func (l *logs) logger(stderr io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{ReplaceAttr: attrNamingFlags}
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.LogLevel)) // one of four, kong has checked
	o.Level = level
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(stderr, o))
	}
	return slog.New(slog.NewTextHandler(stderr, o))
}
