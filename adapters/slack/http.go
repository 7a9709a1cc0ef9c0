package slack

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
)

// maxBody is ample: Slack's largest payloads (a view with its state) stay far below.
const maxBody = 1 << 20

// reply is the answer to a delivery, for HTTP and Socket Mode alike. With retry
// set nothing was accepted and Slack should come again.
type reply struct {
	body  any // nil: empty
	retry bool
}

// Routes adds POST /slack/events, /slack/interactions and /slack/commands.
func (a *Adapter) Routes(r gin.IRouter) {
	r.POST("/slack/events", a.endpoint(func(c *gin.Context, body []byte) reply {
		return a.event(c.Request.Context(), body)
	}))
	r.POST("/slack/interactions", a.endpoint(func(c *gin.Context, body []byte) reply {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return a.refuse("malformed", "interaction is not a form")
		}
		return a.interaction(c.Request.Context(), []byte(form.Get("payload")))
	}))
	r.POST("/slack/commands", a.endpoint(func(c *gin.Context, body []byte) reply {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return a.refuse("malformed", "command is not a form")
		}
		return a.command(c.Request.Context(), commandFromForm(form))
	}))
}

// endpoint reads and verifies the raw body before anything looks into it.
func (a *Adapter) endpoint(next func(*gin.Context, []byte) reply) gin.HandlerFunc {
	return func(c *gin.Context) {
		body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
		if err != nil {
			var tooBig *http.MaxBytesError
			if errors.As(err, &tooBig) {
				a.cfg.RefusedFunc("too_big")
				c.Status(http.StatusRequestEntityTooLarge)
				return
			}
			c.Status(http.StatusBadRequest)
			return
		}
		if err := verify(a.secrets, c.Request.Header, body, a.cfg.Now()); err != nil {
			if isSSLCheck(body) {
				c.Status(http.StatusOK)
				return
			}
			a.cfg.RefusedFunc("signature")
			a.cfg.Logger.Warn("request refused", "path", c.FullPath(), "remote", c.Request.RemoteAddr, "reason", err.Error())
			c.Status(http.StatusUnauthorized)
			return
		}
		a.write(c, next(c, body))
	}
}

// isSSLCheck recognizes Slack's probe of our certificate, which is not always
// signed. The answer is an empty 200 and nothing else happens, so it needs no proof.
func isSSLCheck(body []byte) bool {
	if len(body) > 1000 {
		return false
	}
	form, err := url.ParseQuery(string(body))
	return err == nil && form.Get("ssl_check") == "1" && form.Get("payload") == "" && form.Get("command") == ""
}

func (a *Adapter) write(c *gin.Context, r reply) {
	if r.retry {
		c.Status(http.StatusServiceUnavailable)
		return
	}
	if r.body == nil {
		c.Status(http.StatusOK)
		return
	}
	b, err := json.Marshal(r.body)
	if err != nil {
		a.cfg.Logger.Error("reply not encoded", "err", err)
		c.Status(http.StatusInternalServerError)
		return
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", b)
}

// refuse drops a delivery that is not for us or makes no sense. Slack gets its
// 200, because sending it again would not help.
func (a *Adapter) refuse(reason, detail string, attrs ...any) reply {
	a.cfg.RefusedFunc(reason)
	a.cfg.Logger.Warn("delivery dropped", append([]any{"reason", reason, "detail", detail}, attrs...)...)
	return reply{}
}

// accepted turns the result of a Put into the reply.
func (a *Adapter) accepted(what string, fresh bool, err error) reply {
	if err != nil {
		a.cfg.RefusedFunc("inbox")
		a.cfg.Logger.Error("delivery not accepted", "what", what, "err", err)
		return reply{retry: true}
	}
	if !fresh {
		a.cfg.Logger.Debug("repeated delivery", "what", what)
	}
	return reply{}
}
