// Package brokers is what brokers share, whose packages are modules of their own: how they read a
// URL ([ParseURL]) and check a Config ([Check]), how they pass messages on ([Delivery]), the rooms
// that others are about to have ([Joins]), what a log keeps ([InLog]), and the text of errors
// ([OneLine]).
//
// A Delivery calls its member under its lock, so that it gets one message at a time: the member must not
// call it. The lock of Joins guards its maps, and nothing is called under it.
package brokers
