// Package redistest starts real Redis servers for tests, on free ports of the loopback interface.
//
// [Start] starts one server, [StartCluster] a Redis Cluster of three masters, and [StartSentinel] a
// master with a replica and three sentinels. A test can stop, continue, kill and restart each
// process. All end with the test, by their process ids. The programs redis-server and redis-cli
// must be installed; a test without them fails.
package redistest
