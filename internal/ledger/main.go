package main

import (
	"errors"
	"fmt"
	"os"
)

const usage = `usage: ledger run FILE go test -json ARGUMENT...
       ledger check FILE...
       ledger write FILE... (files of results)`

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	switch {
	case len(args) > 2 && args[0] == "run":
		return runTests(args[1], args[2:])
	case len(args) > 1 && args[0] == "check":
		return account(os.DirFS("."), args[1:], compare)
	case len(args) > 1 && args[0] == "write":
		return account(os.DirFS("."), args[1:], os.WriteFile)
	}
	return errors.New(usage)
}
