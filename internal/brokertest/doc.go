// Package brokertest is what the tests of brokers share: servers as far as their broker ([Start]),
// what their namespaces receive ([Member]), servers in processes of their own ([StartProcess]), a link
// that fails ([Proxy]), and tests of a log ([LogOrder]) and of recovery on another server
// ([RecoverAfterKill]).
package brokertest
