package sandbox

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// handler is one operation. It runs under the lock, with checked parameters
// and body.
type handler func(*call) (reply, error)

// call is one request on its way through.
type call struct {
	n      *Neo
	op     *operation
	r      *http.Request
	query  url.Values
	body   []byte
	now    time.Time
	state  *State
	caller caller
}

// handlers is the table of all operations, by operation id.
func handlers() map[string]handler {
	all := map[string]handler{}
	for _, chapter := range []map[string]handler{
		metaOps(), agentOps(), templateOps(), executionOps(), callbackOps(), tilOps(), rmmOps(), scheduleOps(), backfillOps(),
		settingsOps(), skillOps(), intentOps(), chatOps(), channelOps(), companyOps(), integrationOps(), observabilityOps(),
		performanceOps(), billingOps(), insightsOps(), phoneOps(), handoverOps(), escalationOps(), keyOps(),
	} {
		maps.Copy(all, chapter)
	}
	return all
}

func (c *call) path(name string) string { return c.r.PathValue(name) }

// integer reads a checked integer parameter; 0 when it was not given.
func (c *call) integer(name string) int {
	n, err := strconv.Atoi(c.query.Get(name))
	if err != nil {
		return 0
	}
	return n
}

// among says that value is in the comma list of a parameter, or that there is
// no such filter. Case does not matter.
func (c *call) among(name, value string) bool {
	list := c.query.Get(name)
	return list == "" || slices.ContainsFunc(strings.Split(list, ","), func(s string) bool {
		return strings.EqualFold(strings.TrimSpace(s), value)
	})
}

// same is among for a single value that has to fit exactly.
func (c *call) same(name, value string) bool {
	want := c.query.Get(name)
	return want == "" || want == value
}

// agent is the filter agent_id.
func (c *call) agent(id int) bool { return c.same("agent_id", strconv.Itoa(id)) }

// instant reads a time parameter; zero when it was not given.
func (c *call) instant(name string) (time.Time, error) {
	text := c.query.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, badParameter(name, "is not an ISO-8601 time")
}

// span reads two time parameters that bound a window.
func (c *call) span(from, to string) (since, until time.Time, err error) {
	if since, err = c.instant(from); err != nil {
		return since, until, err
	}
	if until, err = c.instant(to); err != nil {
		return since, until, err
	}
	if until.IsZero() {
		until = c.now
	}
	if !since.IsZero() && !since.Before(until) {
		return since, until, badParameter(from, "must be before "+to)
	}
	return since, until, nil
}

// bind decodes the checked body into v. An empty body leaves v as it is.
func (c *call) bind(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return invalid(c.op.invalid, fieldError{"body", "does not fit: " + err.Error()})
	}
	return nil
}

// sent is the set of top-level fields of the body.
func (c *call) sent() map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	if json.Unmarshal(c.body, &m) != nil {
		return nil
	}
	return m
}

// lookup finds the item that a path parameter names, or answers 404.
func lookup[T any](c *call, col *Collection[T], param, what string) (*T, error) {
	if it := col.Get(c.path(param)); it != nil {
		return it, nil
	}
	return nil, notFound(what)
}

// clone is a deep copy of an object. Patches are decoded into a copy, because a
// refused patch must leave nothing behind and pointers must not be shared.
func clone[T any](v *T) (*T, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := new(T)
	return out, json.Unmarshal(raw, out)
}

func ptr[T any](v T) *T { return &v }

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
