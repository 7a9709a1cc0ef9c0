package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
)

// Limits of the HTTP server. Slack waits three seconds for an answer and Teams
// fifteen, so nothing longer is of use to anybody.
const (
	maxRequestBody    = 1 << 20 // Slack's and Teams' largest deliveries are far smaller
	maxHeaderBytes    = 64 << 10
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 20 * time.Second
	idleTimeout       = 2 * time.Minute
	readyTimeout      = 2 * time.Second
	shutdownTimeout   = 10 * time.Second
)

// engineConfig of newEngine.
type engineConfig struct {
	Logger  *slog.Logger
	Metrics *metrics
	Ready   func(ctx context.Context) error // nil error: traffic may come
	Mount   func(r gin.IRouter)             // the platforms' routes
}

// newEngine is the whole HTTP side: health, metrics and the platforms' routes,
// behind a body limit and recovery. No proxy is trusted: no decision rests on a
// client address.
func newEngine(c engineConfig) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	if err := e.SetTrustedProxies(nil); err != nil {
		panic("server: " + err.Error()) // nil is always accepted
	}
	e.Use(recovery(c.Logger), c.Metrics.measure, limitBody, traceRequests)
	e.GET("/healthz", func(g *gin.Context) { g.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", func(g *gin.Context) {
		ctx, cancel := context.WithTimeout(g.Request.Context(), readyTimeout)
		defer cancel()
		if err := c.Ready(ctx); err != nil {
			c.Logger.WarnContext(ctx, "not ready", "error", err)
			g.String(http.StatusServiceUnavailable, "not ready\n") // no reason: anybody may ask
			return
		}
		g.String(http.StatusOK, "ready\n")
	})
	e.GET("/metrics", gin.WrapH(c.Metrics.handler()))
	if c.Mount != nil {
		c.Mount(e)
	}
	return e
}

// recovery answers 500 to a request whose handler panicked, so that the
// platform delivers again, and keeps the process alive.
func recovery(log *slog.Logger) gin.HandlerFunc {
	return func(g *gin.Context) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // net/http's own way to cut a connection
			}
			log.ErrorContext(g.Request.Context(), "request panicked", "route", g.FullPath(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			g.AbortWithStatus(http.StatusInternalServerError)
		}()
		g.Next()
	}
}

// limitBody cuts a body before anything reads it, verified or not.
func limitBody(g *gin.Context) {
	g.Request.Body = http.MaxBytesReader(g.Writer, g.Request.Body, maxRequestBody)
	g.Next()
}

// listen opens addr. It is apart from serveHTTP so that a taken port is a fault
// before anything has started.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// serveHTTP serves until ctx ends, then lets running requests finish.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := newServer(h, log)
	srv.WriteTimeout = writeTimeout
	return runServer(ctx, l, srv)
}

// serveStreams is serveHTTP for handlers that keep answers open: these end
// with ctx, since they would never finish.
func serveStreams(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := newServer(h, log)
	srv.BaseContext = func(net.Listener) context.Context { return ctx }
	return runServer(ctx, l, srv)
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func runServer(ctx context.Context, l net.Listener, srv *http.Server) error {
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		return fmt.Errorf("stop serving %s: %w", l.Addr(), errors.Join(err, srv.Close()))
	}
	return nil
}
