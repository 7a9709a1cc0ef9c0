package teams

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"neobot/adapters"
)

const (
	// maxBody is ample: Teams' largest activities are about 100 KB.
	maxBody = 512 << 10
	// unauthorized is all a caller learns.
	unauthorized = `{"error":"unauthorized"}`
)

// Routes adds POST and HEAD /api/messages.
func (a *Adapter) Routes(r gin.IRouter) {
	r.POST("/api/messages", a.messages)
	r.HEAD("/api/messages", func(c *gin.Context) { c.Status(http.StatusOK) })
}

// response is the answer to a delivery.
type response struct {
	status int
	body   any // nil: empty
}

var (
	accepted = response{status: http.StatusOK}
	later    = response{status: http.StatusServiceUnavailable}
)

// messages takes one delivery: size, signature, shape, binding of the token to
// the activity, tenant. Only then is it looked at.
func (a *Adapter) messages(c *gin.Context) {
	ctx := c.Request.Context()
	body := http.MaxBytesReader(c.Writer, c.Request.Body, maxBody)
	header := ""
	if h := c.Request.Header["Authorization"]; len(h) == 1 {
		header = h[0]
	}
	token, err := a.validator.Verify(ctx, header)
	if err != nil {
		a.unauthorized(c, err)
		return
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		status := http.StatusBadRequest
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			status = http.StatusRequestEntityTooLarge
		}
		a.cfg.RefusedFunc("body")
		c.Status(status)
		return
	}
	act, err := decodeActivity(raw)
	if err != nil {
		a.cfg.RefusedFunc("malformed")
		a.log.WarnContext(ctx, "delivery is not an activity", "remote", c.Request.RemoteAddr, "err", err)
		c.Status(http.StatusBadRequest)
		return
	}
	if err := token.Match(act.ServiceURL, act.ChannelID); err != nil {
		a.unauthorized(c, err)
		return
	}
	if _, err := a.conn.allow.parse(act.ServiceURL); err != nil {
		a.unauthorized(c, refuse(ReasonService, err))
		return
	}
	r := a.take(ctx, act, raw)
	if r.body == nil {
		c.Status(r.status)
		return
	}
	c.JSON(r.status, r.body)
}

// unauthorized answers the same to everybody; the reason is for us. Only when
// our keys are missing may the sender come again at once; who fails too often is
// told to stay away.
func (a *Adapter) unauthorized(c *gin.Context, err error) {
	ctx, reason := c.Request.Context(), reasonOf(err)
	a.cfg.RefusedFunc(string(reason))
	status := http.StatusUnauthorized
	if reason == ReasonNoKeys {
		status = http.StatusServiceUnavailable // our fault: it does not count
	} else if away := a.floods.failed(c.Request.RemoteAddr); away > 0 {
		a.cfg.RefusedFunc("flood")
		status = http.StatusTooManyRequests
		c.Header("Retry-After", seconds(away))
	}
	a.unlogged.Add(1)
	// Anybody can cause these lines; the metric counts all.
	if status != http.StatusTooManyRequests && a.refusals.AllowN(a.cfg.Now(), 1) {
		a.log.WarnContext(ctx, "delivery refused", "reason", reason, "remote", c.Request.RemoteAddr, "err", err,
			"since_last", a.unlogged.Swap(0))
	}
	c.Data(status, "application/json; charset=utf-8", []byte(unauthorized))
}

// put turns the result of a Put into the answer.
func (a *Adapter) put(ctx context.Context, w adapters.Workspace, what string, fresh bool, err error) response {
	if err != nil {
		a.cfg.RefusedFunc("inbox")
		a.log.ErrorContext(ctx, "delivery not accepted", "workspace", w, "what", what, "err", err)
		return later
	}
	if !fresh {
		a.log.DebugContext(ctx, "repeated delivery", "workspace", w, "what", what)
	}
	return accepted
}
