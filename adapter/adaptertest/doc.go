// Package adaptertest is the suite that every adapter must pass ([Suite]), and a bus that joins the
// servers of one process ([Bus]), for tests that want several servers and no broker.
//
// The suite runs real servers with real sockets, whose clients are those of package siotest. What
// it asserts is the official adapters' behaviour and what this module promises beyond it. It names
// the cases of the official suite that it holds.
package adaptertest
