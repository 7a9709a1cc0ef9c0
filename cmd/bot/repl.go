package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"neobot/adapters/console"
	"neobot/cards"
)

// textWidth is the width of cards in a terminal.
const textWidth = 88

// repl is a chat in the terminal: lines are messages, numbers press buttons.
type repl struct {
	console      *console.Console
	app          *app
	as           string
	conversation string
	people       []demoPerson // one can switch between; empty: only as

	// idle reports that everything said has been answered. Lines that are piped in
	// wait for it one by one: nothing is lost at the end, and a number presses a
	// button of the answer before it. nil never waits.
	idle func(context.Context) (bool, error)

	mu    sync.Mutex
	shown []shownCard // newest last
	seq   uint64      // of the newest entry printed
}

// shownCard is a printed card whose buttons can be pressed.
type shownCard struct {
	entry   string
	buttons []cards.Button
}

const replHelp = `  Type a message, or
    3            press button [3] of the newest card      2.3  button [3] of card 2
    /home        your own page
    /as NAME     go on as somebody else
    /quit        leave (or Ctrl-D)
`

// run reads lines until the end of input, /quit or ctx.
func (r *repl) run(ctx context.Context) error {
	r.print("%s\n", replHelp)
	if len(r.people) > 0 {
		for _, p := range r.people {
			r.print("    %-10s %s\n", p.ID, p.About)
		}
	}
	lines := r.lines(ctx)
	for {
		watch, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		as := r.as // of this watch; r.as changes when the person switches
		r.print("\nYou are %s now.\n", as)
		r.catchUp(as)
		wg.Go(func() { r.watch(watch, as) })
		err := r.read(ctx, lines)
		stop()
		wg.Wait()
		if !errors.Is(err, errSwitched) {
			return err
		}
	}
}

// errSwitched means the person goes on as somebody else.
var errSwitched = errors.New("switched")

// lines reads the input in the background, so that ctx can end the wait.
func (r *repl) lines(ctx context.Context) <-chan string {
	out := make(chan string)
	go func() {
		defer close(out)
		in := bufio.NewScanner(r.app.in)
		in.Buffer(make([]byte, 0, 4096), 256<<10)
		for in.Scan() {
			select {
			case out <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func (r *repl) next(ctx context.Context, lines <-chan string) (string, bool) {
	select {
	case line, ok := <-lines:
		return strings.TrimSpace(line), ok
	case <-ctx.Done():
		return "", false
	}
}

func (r *repl) read(ctx context.Context, lines <-chan string) error {
	for {
		line, ok := r.next(ctx, lines)
		if !ok {
			return nil
		}
		name, rest, _ := strings.Cut(line, " ")
		var err error
		switch {
		case line == "":
		case name == "/quit" || name == "/exit":
			return nil
		case name == "/help" || name == "/?":
			r.print("%s", replHelp)
		case name == "/home":
			err = r.console.AskHome(ctx, r.as)
		case name == "/as":
			if err = r.become(strings.TrimSpace(rest)); err == nil {
				return errSwitched
			}
		default:
			if card, button, ok := pressed(line); ok {
				err = r.press(ctx, lines, card, button)
			} else {
				err = r.console.Say(ctx, r.as, r.conversation, line)
			}
		}
		if err == nil {
			err = r.settle(ctx)
		}
		if err != nil {
			r.print("! %s\n", oneLine(err.Error()))
		}
	}
}

// settle waits, where lines are piped in, until all is answered and printed.
func (r *repl) settle(ctx context.Context) error {
	if r.app.terminal || r.idle == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		idle, err := r.idle(ctx)
		if err != nil {
			return err
		}
		if idle && len(r.console.Since(r.as, r.printed())) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v", askTimeout)
		}
	}
}

func (r *repl) printed() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seq
}

func (r *repl) become(name string) error {
	for _, p := range r.people {
		if strings.EqualFold(p.ID, name) || strings.EqualFold(p.Name, name) {
			r.as = p.ID
			if strings.HasPrefix(r.conversation, console.Direct("")) {
				r.conversation = console.Direct(r.as)
			}
			return nil
		}
	}
	names := make([]string, len(r.people))
	for i, p := range r.people {
		names[i] = p.ID
	}
	if len(names) == 0 {
		return errors.New("start again with --as NAME for that")
	}
	return fmt.Errorf("/as one of %s", strings.Join(names, ", "))
}

// maxButton is the largest number taken for a button: longer ones are ticket
// numbers, which are messages.
const maxButton = 99

// pressed reads "3" or "2.3"; card 0 is the newest with buttons.
func pressed(line string) (card, button int, ok bool) {
	left, right, two := strings.Cut(line, ".")
	if !two {
		left, right = "0", left
	}
	card, err1 := strconv.Atoi(left)
	button, err2 := strconv.Atoi(right)
	return card, button, err1 == nil && err2 == nil && card >= 0 && button > 0 && button <= maxButton
}

// press presses a printed button, asking for the inputs of its form.
func (r *repl) press(ctx context.Context, lines <-chan string, card, button int) error {
	r.mu.Lock()
	if card == 0 {
		card = r.newest()
	}
	if card > len(r.shown) || card < 1 || button > len(r.shown[card-1].buttons) {
		r.mu.Unlock()
		return errors.New("there is no such button")
	}
	c := r.shown[card-1]
	r.mu.Unlock()
	b := c.buttons[button-1]
	p := console.Press{Entry: c.entry, Action: b.Action, Target: b.ID}
	form, err := r.console.Press(ctx, r.as, p)
	if err != nil || form == nil {
		return err
	}
	inputs, ok := r.fill(ctx, lines, form)
	if !ok {
		r.print("Cancelled, nothing was sent.\n")
		return nil
	}
	p.Action, p.Target, p.Inputs = form.Action, form.ID, inputs
	_, err = r.console.Press(ctx, r.as, p)
	return err
}

// newest is the number of the last printed card with buttons, 0 without one.
// Needs the lock.
func (r *repl) newest() int {
	for i, c := range slices.Backward(r.shown) {
		if len(c.buttons) > 0 {
			return i + 1
		}
	}
	return 0
}

// fill asks for each input; an empty line keeps what is there.
func (r *repl) fill(ctx context.Context, lines <-chan string, form *cards.Form) (map[string]string, bool) {
	r.print("\n%s", cards.Text(cards.Card{Title: form.Title, Body: form.Intro}, textWidth))
	r.print("(/cancel to leave; \\n starts a new line)\n")
	inputs := map[string]string{}
	for _, in := range form.Inputs {
		value, ok := r.fillOne(ctx, lines, in)
		if !ok {
			return nil, false
		}
		inputs[in.Name] = value
	}
	r.print("\n%s? [y/N] ", form.Submit)
	line, ok := r.next(ctx, lines)
	return inputs, ok && (strings.EqualFold(line, "y") || strings.EqualFold(line, "yes"))
}

func (r *repl) fillOne(ctx context.Context, lines <-chan string, in cards.Input) (string, bool) {
	if in.Value != "" {
		r.print("\n%s", cards.Text(cards.Card{Body: []cards.Block{{Heading: in.Label + " (empty line keeps this)", Code: in.Value}}}, textWidth))
	}
	for i, o := range in.Options {
		r.print("  %d  %s\n", i+1, o.Label)
	}
	for {
		r.print("%s: ", in.Label)
		line, ok := r.next(ctx, lines)
		switch {
		case !ok || line == "/cancel":
			return "", false
		case line == "" && (in.Value != "" || in.Optional):
			return in.Value, true
		case in.Kind == cards.InputSelect:
			if i, err := strconv.Atoi(line); err == nil && i >= 1 && i <= len(in.Options) {
				return in.Options[i-1].Value, true
			}
		case line != "":
			return strings.ReplaceAll(line, `\n`, "\n"), true
		}
	}
}

// watch prints what the person gets to see, in every conversation he is in.
func (r *repl) watch(ctx context.Context, as string) {
	for {
		batch, err := r.console.Wait(ctx, as, r.printed())
		if err != nil {
			return
		}
		for _, e := range batch {
			r.show(e, as)
			r.passed(e)
		}
	}
}

// catchUp goes past what was there before; cards that still wait are printed.
func (r *repl) catchUp(as string) {
	for _, e := range r.console.Since(as, 0) {
		if e.Card != nil && e.Card.Status == cards.StatusPending && !e.Home {
			r.show(e, as)
		}
		r.passed(e)
	}
}

func (r *repl) passed(e console.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq = e.Seq
}

func (r *repl) show(e console.Entry, as string) {
	switch {
	case e.Gone:
	case e.Card == nil && e.From != as:
		r.print("\n%s: %s", e.From, cards.Text(cards.Card{Summary: e.Text}, textWidth))
	case e.Card == nil:
	case e.Card.Status == cards.StatusWorking:
		r.under(e)
	default:
		r.card(e)
	}
}

// under is a line about a printed card that is at work, such as a run that was
// approved and goes on; the whole card is printed again when it has ended.
func (r *repl) under(e console.Entry) {
	r.mu.Lock()
	i := slices.IndexFunc(r.shown, func(c shownCard) bool { return c.entry == e.ID })
	r.mu.Unlock()
	if i >= 0 && e.Card.Summary != "" {
		r.print("\n── card %d: %s\n", i+1, e.Card.Summary)
	}
}

// card prints a card; its number is kept when it changes.
func (r *repl) card(e console.Entry) {
	buttons := cards.Buttons(*e.Card)
	r.mu.Lock()
	i := slices.IndexFunc(r.shown, func(c shownCard) bool { return c.entry == e.ID })
	again := i >= 0
	if !again {
		i = len(r.shown)
		r.shown = append(r.shown, shownCard{entry: e.ID})
	}
	r.shown[i].buttons = buttons
	r.mu.Unlock()
	note := ""
	switch {
	case again:
		note = ", changed"
	case e.To != "":
		note = ", only you see it"
	}
	r.print("\n── card %d%s %s\n%s", i+1, note, strings.Repeat("─", 40), cards.Text(*e.Card, textWidth))
}

func (r *repl) print(format string, args ...any) { _, _ = fmt.Fprintf(r.app.out, format, args...) }
