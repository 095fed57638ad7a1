// Command parserbridge lends the library's parsers to the suite in ../differential: each line of its standard input is a
// [request], each line of its standard output the [result] of each of its inputs. What goes wrong with an input is part of its
// result; what goes wrong with a request ends the process.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// request asks for one operation on many inputs.
type request struct {
	Op string
	In []json.RawMessage
}

// result is what became of one input.
type result struct {
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

// operations are what can be asked for.
var operations = map[string]func(json.RawMessage) (any, error){
	"engine.decode":  decodeEngine,
	"engine.encode":  encodeEngine,
	"sockets.decode": decodeSockets,
	"sockets.encode": encodeSockets,
	"msgpack.decode": decodeMsgpack,
	"msgpack.encode": encodeMsgpack,
}

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "parserbridge:", err)
		os.Exit(1)
	}
}

func serve() error {
	in := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<20))
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(out)
	for in.More() {
		var r request
		if err := in.Decode(&r); err != nil {
			return err
		}
		operation, ok := operations[r.Op]
		if !ok {
			return fmt.Errorf("there is no operation %q", r.Op)
		}
		results := make([]result, len(r.In))
		for i, input := range r.In {
			value, err := operation(input)
			results[i].Value = value
			if err != nil {
				results[i].Error = err.Error()
			}
		}
		if err := encoder.Encode(results); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}
