package teams

import "errors"

// Errors to test with errors.Is.
var (
	// ErrService means the address is not one of Microsoft's connectors.
	ErrService = errors.New("not a connector of this cloud")
)
