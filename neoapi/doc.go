// Package neoapi is the client of Neo's public API.
//
// The operations, their permission groups, access and risk come from the
// embedded OpenAPI file (openapi.yaml) and one reviewed table (operations.tsv),
// joined in a Catalog. A Client holds the address and the key; a Session is the
// client bound to one person's Scope and is the only way to call: reads go
// through Session.Read, writes through Session.Apply, which wants a grant that
// only package approvals can make. agents.go, executions.go, til.go and
// tenant.go are typed reads on top.
//
// When things fail: a call outside the scope, with arguments that do not fit or
// to an operation that this Neo does not serve (Client.Drift) is refused before
// anything is sent, with an error that is no *Error. Whatever happens later is an
// *Error. Reads wait out 429 and retry 5xx and network faults; writes are sent
// once, and Outcome says whether they can have taken effect. Every request takes
// from a Budget, which keeps half of the tenant's limit free for people.
//
// The API is known from documentation only, so reading is lenient: unknown
// fields are ignored, ids may be strings or numbers, enumerations are open
// strings, and a field of another type than expected is left empty.
package neoapi
