// Package pgtest starts real PostgreSQL servers for tests, on free ports of the loopback interface.
//
// [Start] starts one, which takes about a second. A test can stop, continue, kill and restart it. Tests
// that do not can share it and have a database each. It ends with the test, by its process ids. The
// programs initdb and postgres must be installed, where Debian has them or in the PATH; a test without
// them fails. As root, which PostgreSQL refuses, they run as the user postgres or nobody. Linux only.
package pgtest
