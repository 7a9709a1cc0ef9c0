// Package approvals keeps approval requests, decisions and grants in Redis, and
// the audit trail.
//
// The record is the truth; cards are views of it. Every change of state is one
// Lua script that checks and writes in one step and returns the resulting
// record, so the first decision wins whatever happens at the same moment on
// another replica. Only this package can make a Grant, and a write to Neo needs
// one. Grants are minted once per attempt and spent once, for one digest.
//
// The trail (Audit) is a hash chain per workspace, appended in batches and never
// trimmed: VerifyStream and Verify find what was altered, removed or reordered.
//
// It knows nothing of Neo, chat platforms or policy: the change is opaque bytes
// with a digest, people are ids, and who may decide is the caller's question,
// asked at the moment of the click.
//
// Redis down: every method returns an error and nothing is allowed. Redis losing
// data is the one thing that cannot be made good here, so it has to run with an
// append-only file and maxmemory-policy noeviction, and reads must not be routed
// to replicas.
package approvals
