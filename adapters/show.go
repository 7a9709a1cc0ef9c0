package adapters

import (
	"context"
	"errors"
	"fmt"

	"neobot/cards"
)

// show puts an answer where it belongs. A repeat shows nothing twice. working
// says that a working card is up under the answer's key.
func (r *Runner) show(ctx context.Context, j *job, a Answer, working bool) error {
	taken, err := r.cfg.Inbox.offer(ctx, j.d, a)
	if err != nil {
		return err
	}
	switch where := r.place(j, a); where {
	case Reply:
		return r.reply(ctx, j, a)
	case Replace:
		err = r.replace(ctx, j, a)
	case Private:
		if !taken {
			err = r.whisper(ctx, j, a.Card)
		}
	case Shown, Nowhere:
	default:
		return fmt.Errorf("answer goes to %q: %w", where, ErrGiveUp)
	}
	if err != nil {
		return err
	}
	if working || j.d.Attempt > 1 && j.visible() {
		return r.retire(ctx, j, a)
	}
	return nil
}

// place corrects a place that the delivery has not got.
func (r *Runner) place(j *job, a Answer) Where {
	switch {
	case j.message != nil && j.message.Home:
		if a.Where == Nowhere {
			return Nowhere
		}
		return Private // whisper publishes the home page
	case j.message != nil && j.message.Command && a.Track == "" && a.Where == Reply:
		return Private
	case a.Where == Private && j.message != nil && !j.message.Command && j.message.Conversation.Kind == Direct:
		return Reply // nobody else is there, and it stays readable
	case a.Where == Replace && (j.click == nil || j.click.Card.Message == ""):
		return Reply
	}
	return a.Where
}

// reply posts the answer in the thread, or edits the message of an earlier try.
// Where the bot may not speak, the person is told privately.
func (r *Runner) reply(ctx context.Context, j *job, a Answer) error {
	ref, err := r.cfg.Outbox.Post(ctx, j.a, j.key, j.to, a.Card)
	if errors.Is(err, ErrGone) {
		r.cfg.Logger.WarnContext(ctx, "answer refused by the platform, telling the person", "workspace", j.d.Workspace, "delivery", j.d.ID, "err", err)
		return r.whisper(ctx, j, a.Card)
	}
	if err != nil {
		return err
	}
	return r.track(ctx, a, ref)
}

// replace edits the clicked card. One that is gone is answered anew.
func (r *Runner) replace(ctx context.Context, j *job, a Answer) error {
	err := j.a.Update(ctx, j.click.Card, a.Card)
	if errors.Is(err, ErrGone) {
		return r.reply(ctx, j, a)
	}
	if err != nil {
		return fmt.Errorf("replace clicked card: %w", err)
	}
	return r.track(ctx, a, j.click.Card)
}

// track tells the handler where a copy of an approval card lives.
func (r *Runner) track(ctx context.Context, a Answer, ref Ref) error {
	if a.Track == "" {
		return nil
	}
	if err := r.cfg.Handler.Posted(ctx, a.Track, ref); err != nil {
		return fmt.Errorf("note copy of %s: %w", a.Track, err)
	}
	return nil
}

// whisper shows a card to the person only: the home page, an ephemeral message,
// or, when the conversation does not take one, a direct message.
func (r *Runner) whisper(ctx context.Context, j *job, card cards.Card) error {
	if j.message != nil && j.message.Home {
		return goneIsFinal(j.a.Home(ctx, j.d.Workspace, j.to.User, card))
	}
	err := r.cfg.Outbox.Once(ctx, j.d.Workspace, "private:"+j.d.Dedupe, func(ctx context.Context) error {
		return j.a.Whisper(ctx, j.to, card)
	})
	if !errors.Is(err, ErrGone) {
		return err
	}
	direct := Destination{Workspace: j.d.Workspace, User: j.to.User}
	_, err = r.cfg.Outbox.Post(ctx, j.a, "direct:"+j.d.Dedupe, direct, card)
	return goneIsFinal(err)
}

// goneIsFinal keeps a refusal of the last possible way from being
// tried for minutes.
func goneIsFinal(err error) error {
	if errors.Is(err, ErrGone) {
		return fmt.Errorf("no way to the person: %w: %w", err, ErrGiveUp)
	}
	return err
}

// retire turns a working card (of this try or an earlier one) whose answer went
// elsewhere into a short note.
func (r *Runner) retire(ctx context.Context, j *job, a Answer) error {
	_, up, err := r.cfg.Outbox.Lookup(ctx, j.d.Workspace, j.key)
	if err != nil || !up {
		return err
	}
	note := cards.Card{Status: cards.StatusDone, Summary: "Done."}
	if a.Where == Private {
		note.Summary = "I answered you privately."
	}
	_, err = r.cfg.Outbox.Post(ctx, j.a, j.key, j.to, note)
	if errors.Is(err, ErrGone) {
		return nil
	}
	return err
}
