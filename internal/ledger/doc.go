// Command ledger holds the library to its list of cases.
//
// docs/evidence/ledger/cases.txt names every case of the upstream test suites, of the protocols' conformance suites, and of what else
// an implementation has to get right. A Go test says which of them it holds with t.Attr("covers", "ID ID..."), a scenario in
// compat-tests with covers("ID ID..."). `ledger run` runs Go tests and keeps what they say; the scenarios' runner writes the
// same form. `ledger check` accounts for every case: a test that ran and passed holds it, or a line of
// docs/evidence/ledger/not-applicable.txt says why it cannot apply to Go; it also compares docs/evidence/compatibility.md and the README's
// feature table with what `ledger write` would make of the results.
//
// It runs no test by itself and judges none: a result is what the test runner said. It has no goroutines and no locks.
package main
