// Package adaptertest is one test suite for every chat adapter: what the runner
// and the outbox rely on must hold on each platform. An adapter's own tests hold
// only what is particular to it.
//
// It is imported by tests only.
package adaptertest
