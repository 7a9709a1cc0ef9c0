package intents

import (
	"context"

	"neobot/adapters"
	"neobot/approvals"
)

// HandleFeedback records what a person thought of an answer that a model had a
// hand in, in the audit trail and so in the metric of audit records. It has no
// other effect. Only people of the policy are recorded: anybody in the tenant
// can press a thumb, and the trail is no guest book.
func (s *Service) HandleFeedback(ctx context.Context, f adapters.Feedback) error {
	who, ok := s.Policy().Who(f.Workspace, f.User)
	if !ok {
		s.Logger.DebugContext(ctx, "feedback of somebody unknown", "workspace", f.Workspace, "user", f.User.ID, "trust", f.User.Trust)
		return nil
	}
	a := &ask{source: source{workspace: f.Workspace, user: f.User, delivery: f.Delivery}, who: who}
	outcome := "dislike"
	if f.Like {
		outcome = "like"
	}
	return s.audit(ctx, a, approvals.Record{
		Kind: approvals.KindFeedback, Key: "feedback:" + f.Delivery, Outcome: outcome,
		Detail: map[string]any{"conversation": f.Conversation.ID, "message": clip(f.Message, 100), "text": redact(clip(f.Text, 500))},
	})
}
