// Package sandbox is a Neo that runs in process: an http.Handler with every
// operation of neoapi/openapi.yaml on seeded data of an invented MSP.
//
// It keeps state (a PUT is seen by the next GET, a queued run gets done), and
// it is strict where the documentation is: keys, schemas, page sizes, windows,
// the rate limit, 403, 404, 409 and 422. What the documentation leaves open is
// one plausible choice, so that clients are tested against something definite;
// it says nothing about the real Neo. Statuses are of mixed case on purpose
// (runs lower, approval requests upper), ids are strings or numbers as in the
// documentation, and a few texts are hostile (mentions, markdown, right-to-left).
//
// It is for the demo, the sandbox command and tests. It is not a load model of
// Neo and keeps everything in memory: Reset or a restart brings the seed back.
//
// Landmarks of the seed: agents 101 to 114 (101 "Ticket triage" and 102
// "Ticket triage (night)", 110 disabled, 112 managed by Neo, 113 for end users);
// ticket 48213 (PSA id 1048213), whose run 7f3a1c9e-… failed today and whose
// change waits for request 912; request 907 approved by Priya Raman, 915 not
// for keys; backfills bf-2001 to bf-2003; handovers hnd_open, hnd_taken and
// hnd_expired; the people are in People.
//
// When things fail: Fail orders a fault (late, refused, broken before or after
// the effect, reply dropped), Requests tells what arrived, Mutate changes the
// data behind a client's back, and with Config.Validate every request and
// response that leaves the OpenAPI document is in Violations.
package sandbox
