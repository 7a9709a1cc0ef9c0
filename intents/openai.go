package intents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"
	"github.com/sony/gobreaker/v2"
)

const (
	modelTimeout   = 12 * time.Second
	modelRetries   = 2
	maxReplyBytes  = 256 << 10
	maxReplyTokens = 1024
	breakerTrips   = 5 // failures in a row
	breakerOpen    = 30 * time.Second

	noteUnavailable = "model unavailable, answered without it"
	noteUnusable    = "the model's answer could not be used"
)

// ModelConfig of a router that asks a model.
type ModelConfig struct {
	// BaseURL of an OpenAI-compatible API, with the version: "https://api.openai.com/v1".
	BaseURL string
	Key     string
	Model   string
	// HTTP is copied; redirects are never followed, since they would carry the
	// question elsewhere. Nil is a new client.
	HTTP *http.Client
	// Timeout of one question, repair turn and retries included; half of it for
	// one call. 0 is 12 s.
	Timeout time.Duration
	Logger  *slog.Logger
	Now     func() time.Time
	// Fallback answers while the model does not. Nil: Route returns an error then.
	Fallback Router
}

// Model is the router that asks a model to pick. The model gets the catalog as
// tools and the question as data, and can answer with nothing but one tool call,
// which checkCall then checks against the catalog. Bad replies get one repair
// turn, then the person an honest card. Only 429, 5xx and time-outs are retried,
// at most twice, as long as the time allows; after five failures in a row the
// model is left alone for half a minute.
type Model struct {
	ModelConfig
	client  *openai.Client
	breaker *gobreaker.CircuitBreaker[openai.ChatCompletionResponse]
	// waitFunc pauses before a retry; tests replace it.
	waitFunc func(ctx context.Context, d time.Duration) error
}

var _ Router = (*Model)(nil)

// NewModel checks a configuration and makes the router. It does not call the model.
func NewModel(c ModelConfig) (*Model, error) {
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("model: BaseURL must be an http(s) address such as https://api.openai.com/v1")
	case c.Model == "":
		return nil, errors.New("model: Model is empty")
	case c.Now == nil:
		return nil, errors.New("model: Now is nil")
	case c.Timeout < 0:
		return nil, errors.New("model: Timeout is negative")
	}
	if c.Timeout == 0 {
		c.Timeout = modelTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	client := openai.DefaultConfig(c.Key)
	client.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	client.HTTPClient = newCapped(c.HTTP)
	m := &Model{ModelConfig: c, client: openai.NewClientWithConfig(client), waitFunc: wait}
	m.breaker = newBreaker(c.Logger, breakerOpen)
	return m, nil
}

func newBreaker(log *slog.Logger, open time.Duration) *gobreaker.CircuitBreaker[openai.ChatCompletionResponse] {
	return gobreaker.NewCircuitBreaker[openai.ChatCompletionResponse](gobreaker.Settings{
		Name: "model", Timeout: open,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= breakerTrips },
		// A question that was given up is not the model's fault.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn("model circuit breaker", "from", from.String(), "to", to.String())
		},
	})
}

// Route asks the model. An error only comes without a Fallback.
func (m *Model) Route(ctx context.Context, q Question) (Routed, error) {
	var fallback routeFunc
	if m.Fallback != nil {
		fallback = m.Fallback.Route
	}
	return m.orFallback(ctx, q, m.pick, fallback)
}

type routeFunc func(context.Context, Question) (Routed, error)

// orFallback asks the model within its time and, when it is of no use, the
// fallback (nil: there is none). What the model cost is kept in any case.
func (m *Model) orFallback(ctx context.Context, q Question, pick func(context.Context, Question, time.Time) (Routed, error), fallback routeFunc) (Routed, error) {
	start := m.Now()
	limited, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	out, err := pick(limited, q, start.Add(m.Timeout))
	m.Logger.DebugContext(ctx, "model routed", "part", len(q.Done)+1, "intent", out.Intent.Name, "tokens", out.Tokens, "took", m.Now().Sub(start))
	if err == nil {
		return out, nil
	}
	tokens := out.Tokens
	if ctx.Err() != nil || fallback == nil {
		return Routed{Tokens: tokens}, fmt.Errorf("route by model: %w", err)
	}
	m.Logger.WarnContext(ctx, "model unavailable", "part", len(q.Done)+1, "error", logged(err))
	if out, err = fallback(ctx, q); err != nil {
		return Routed{Tokens: tokens}, fmt.Errorf("route without model: %w", err)
	}
	out.Note, out.Tokens = noteUnavailable, tokens
	return out, nil
}

// pick asks with the likely tools, and when the model says that the question is
// about another part of Neo, once more with the next likely ones. When the
// message has several parts, it is asked for the first of them (openai_next.go).
// end is when the time-out of ctx is over, by the clock given.
func (m *Model) pick(ctx context.Context, q Question, end time.Time) (Routed, error) {
	if said, _ := partsOf(q); len(said) > 1 {
		return m.pickFirst(ctx, q, end)
	}
	first, second := likelyTools(q)
	out, err := m.pickFrom(ctx, q, first, end)
	switch {
	case err != nil:
		return out, err
	case out.More:
		more, err := m.pickFirst(ctx, q, end)
		more.Tokens += out.Tokens
		return more, err
	case out.Ask != askNotHere || len(second) == 0:
		return out, nil
	}
	more, err := m.pickFrom(ctx, q, second, end)
	more.Tokens += out.Tokens
	if err != nil || more.Intent.Name == "" {
		out.Tokens = more.Tokens
		return out, nil //nolint:nilerr // the first answer stands
	}
	return more, nil
}

// pickFrom asks with these tools.
func (m *Model) pickFrom(ctx context.Context, q Question, offered []Spec, end time.Time) (Routed, error) {
	data, err := modelData(q)
	if err != nil {
		return Routed{By: ByModel}, err
	}
	return m.askFor(ctx, m.request(toolSpecs(offered), data), end, func(c call) (Routed, error) {
		return checkOffered(q, offered, c)
	})
}

// askFor asks for one tool call, and once more when the reply is unusable.
func (m *Model) askFor(ctx context.Context, req openai.ChatCompletionRequest, end time.Time, check func(c call) (Routed, error)) (Routed, error) {
	out := Routed{By: ByModel}
	prompt := req.Messages[0].Content
	for attempt := range 2 {
		reply, err := m.complete(ctx, req, end)
		if err != nil {
			return out, err
		}
		out.Tokens += reply.Usage.TotalTokens
		c, err := theCall(reply)
		if err == nil {
			var routed Routed
			if routed, err = check(c); err == nil {
				routed.By, routed.Tokens = ByModel, out.Tokens
				return routed, nil
			}
		}
		m.Logger.WarnContext(ctx, "model reply refused", "reason", err, "attempt", attempt+1)
		// In the one system message, since not every model takes a second. The
		// reply itself is not repeated.
		req.Messages[0].Content = prompt + "\nYour last reply could not be used (" + err.Error() +
			"). Call exactly one of the tools, with its listed arguments only.\n"
	}
	out.Note = noteUnusable
	return out, nil
}

// exchange is an earlier call of the model in the same question, and its result.
type exchange struct {
	call   call
	result string
}

// request is one question to the model.
func (m *Model) request(tools []toolSpec, data string, done ...exchange) openai.ChatCompletionRequest {
	req := openai.ChatCompletionRequest{
		Model: m.Model,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: modelPrompt},
			{Role: openai.ChatMessageRoleUser, Content: data},
		},
		ToolChoice: "required", ParallelToolCalls: false, MaxCompletionTokens: maxReplyTokens,
	}
	if !reasons(m.Model) {
		req.Temperature = math.SmallestNonzeroFloat32 // go-openai leaves a plain 0 out
	}
	for i, x := range done {
		id := "read_" + itoa(i+1)
		req.Messages = append(req.Messages,
			openai.ChatCompletionMessage{Role: openai.ChatMessageRoleAssistant, ToolCalls: []openai.ToolCall{{
				ID: id, Type: openai.ToolTypeFunction, Function: openai.FunctionCall{Name: x.call.name, Arguments: x.call.arguments},
			}}},
			openai.ChatCompletionMessage{Role: openai.ChatMessageRoleTool, ToolCallID: id, Content: x.result})
	}
	for _, t := range tools {
		req.Tools = append(req.Tools, openai.Tool{Type: openai.ToolTypeFunction, Function: &openai.FunctionDefinition{
			Name: t.name, Description: t.description, Strict: true, Parameters: t.schema,
		}})
	}
	return req
}

// Summarize asks the model, without tools, for plain text about quoted data.
func (m *Model) Summarize(ctx context.Context, data string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	req := openai.ChatCompletionRequest{
		Model: m.Model,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: summaryPrompt},
			{Role: openai.ChatMessageRoleUser, Content: data},
		},
		MaxCompletionTokens: summaryReplyMax,
	}
	if !reasons(m.Model) {
		req.Temperature = math.SmallestNonzeroFloat32 // go-openai leaves a plain 0 out
	} else {
		req.MaxCompletionTokens = 4 * summaryReplyMax // thinking counts too
	}
	reply, err := m.complete(limited, req, m.Now().Add(m.Timeout))
	if err != nil {
		return "", err
	}
	if len(reply.Choices) != 1 || len(reply.Choices[0].Message.ToolCalls) > 0 || strings.TrimSpace(reply.Choices[0].Message.Content) == "" {
		return "", errors.New("summary: no text in the reply")
	}
	return reply.Choices[0].Message.Content, nil
}

// reasons reports models that refuse a temperature.
func reasons(model string) bool {
	return strings.HasPrefix(model, "o1") || strings.HasPrefix(model, "o3") || strings.HasPrefix(model, "o4") || strings.HasPrefix(model, "gpt-5")
}

// theCall is the one tool call of a reply.
func theCall(reply openai.ChatCompletionResponse) (call, error) {
	if len(reply.Choices) != 1 {
		return call{}, fmt.Errorf("%w: there must be one choice", errReply)
	}
	choice := reply.Choices[0]
	calls := choice.Message.ToolCalls
	switch {
	case choice.FinishReason == openai.FinishReasonLength:
		return call{}, fmt.Errorf("%w: it was cut off", errReply)
	case len(calls) == 0:
		return call{}, fmt.Errorf("%w: it called no tool", errReply)
	case len(calls) > 1:
		return call{}, fmt.Errorf("%w: it called more than one tool", errReply)
	}
	return call{calls[0].Function.Name, calls[0].Function.Arguments}, nil
}

// checkOffered checks a call of one of the tools the model was given.
func checkOffered(q Question, offered []Spec, c call) (Routed, error) {
	if _, ok := SpecByName(offered, c.name); !ok && c.name != toolClarify && c.name != toolOutOfScope {
		return Routed{}, fmt.Errorf("%w: there is no tool of that name", errReply)
	}
	return checkCall(q, c)
}

// complete makes one call, with retries while there is time for them.
func (m *Model) complete(ctx context.Context, req openai.ChatCompletionRequest, end time.Time) (openai.ChatCompletionResponse, error) {
	for attempt := 0; ; attempt++ {
		reply, err := m.breaker.Execute(func() (openai.ChatCompletionResponse, error) {
			once, cancel := context.WithTimeout(ctx, m.Timeout/2)
			defer cancel()
			return m.client.CreateChatCompletion(once, req)
		})
		if err == nil || attempt == modelRetries || !retryable(ctx, err) {
			return reply, err
		}
		pause := 250 * time.Millisecond << attempt
		if s, err := strconv.Atoi(reply.Header().Get("Retry-After")); err == nil && s > 0 {
			pause = time.Duration(s) * time.Second
		}
		if m.Now().Add(pause).After(end) || m.waitFunc(ctx, pause) != nil {
			return reply, err
		}
	}
}

// retryable: 429, 5xx and a call that took too long. Everything else would fail again.
func retryable(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if status := statusOf(err); status != 0 {
		return status == http.StatusTooManyRequests || status >= 500
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// statusOf is the HTTP status behind an error, 0 when there was no answer.
func statusOf(err error) int {
	if e, ok := errors.AsType[*openai.APIError](err); ok {
		return e.HTTPStatusCode
	}
	if e, ok := errors.AsType[*openai.RequestError](err); ok {
		return e.HTTPStatusCode
	}
	return 0
}

// logged is an error fit for the log: the words of a server may repeat what we
// sent, so only its status stays.
func logged(err error) string {
	switch status := statusOf(err); {
	case status != 0:
		return "status " + strconv.Itoa(status)
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		return "circuit breaker open"
	case errors.Is(err, errTooBig):
		return errTooBig.Error()
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%T", err)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errTooBig = errors.New("reply too big")

// capped is an HTTP client that follows no redirect and reads a bounded body.
type capped struct{ client http.Client }

func newCapped(c *http.Client) *capped {
	out := &capped{}
	if c != nil {
		out.client = *c
	}
	out.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return out
}

// Do implements the HTTP interface of go-openai.
func (c *capped) Do(req *http.Request) (*http.Response, error) {
	res, err := c.client.Do(req) //nolint:gosec // the address is the operator's configuration
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		_ = res.Body.Close()
		return nil, fmt.Errorf("redirect refused: status %d", res.StatusCode)
	}
	res.Body = &cappedBody{res.Body, maxReplyBytes}
	return res, nil
}

type cappedBody struct {
	io.ReadCloser
	left int
}

func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooBig
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
