package console

import (
	"context"
	"fmt"

	"neobot/adapters"
)

// Place tells what a conversation of the console is: everyone in it is of the organisation.
func (c *Console) Place(_ context.Context, w adapters.Workspace, conversation string) (adapters.Conversation, error) {
	if w != c.cfg.Workspace {
		return adapters.Conversation{ID: conversation}, fmt.Errorf("console %s: not this workspace: %s", c.cfg.Workspace, w)
	}
	return c.conversation(conversation)
}
