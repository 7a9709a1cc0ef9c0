// Package console is the adapter without a platform: people sit at a terminal
// or at the demo's web page, and the platform that vouches for them is the
// process itself.
//
// It keeps what was said and posted in memory, bounded, and tells watchers of
// every change. It is an adapter like the others: what people say goes through
// the durable inbox, cards come from the outbox, and it decides nothing. A name
// that is not among the members is an outsider, as a stranger in a shared
// channel would be.
//
// It authenticates nobody. Whoever can call Say or Press can do it in any name,
// so only a terminal or a page on loopback may stand in front of it.
//
// When things fail: a message that the inbox does not take is not shown, and
// Say returns the error. After a restart the history is gone and Find finds
// nothing; buttons of old cards cannot be pressed because nobody sees them.
package console
