package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"neobot/adapters"
	"neobot/cards"
)

// startTracing sends traces by OTLP over HTTP when OTEL_EXPORTER_OTLP_ENDPOINT
// is set; otherwise every span is a no-op. The exporter reads its other
// variables itself. Spans carry ids and outcomes, no texts.
func startTracing(ctx context.Context, endpoint string) (stop func(context.Context) error, err error) {
	if endpoint == "" {
		return func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing to OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "neobot")), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}

func tracer() oteltrace.Tracer { return otel.Tracer("neobot") }

// traceRequests makes a span of every request with a route.
func traceRequests(g *gin.Context) {
	route := g.FullPath()
	if route == "" || route == "/healthz" || route == "/readyz" || route == "/metrics" {
		g.Next()
		return
	}
	ctx, span := tracer().Start(g.Request.Context(), g.Request.Method+" "+route, oteltrace.WithSpanKind(oteltrace.SpanKindServer))
	defer span.End()
	g.Request = g.Request.WithContext(ctx)
	g.Next()
	span.SetAttributes(attribute.Int("http.response.status_code", g.Writer.Status()))
	if g.Writer.Status() >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}

// startCall makes a span of one outgoing request. Paths hold ids of Neo's
// objects, which is what one searches for; queries are left out.
func startCall(ctx context.Context, to string, r *http.Request) (context.Context, func(status int, err error)) {
	ctx, span := tracer().Start(ctx, to+" "+r.Method, oteltrace.WithSpanKind(oteltrace.SpanKindClient),
		oteltrace.WithAttributes(attribute.String("server.address", r.URL.Hostname()), attribute.String("url.path", r.URL.Path)))
	return ctx, func(status int, err error) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if err != nil || status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// tracedHandler makes a span of every delivery that is worked on.
type tracedHandler struct{ next adapters.Handler }

var _ adapters.Handler = tracedHandler{}

func (t tracedHandler) start(ctx context.Context, name string, w adapters.Workspace, delivery string) (context.Context, func(adapters.Answer, error)) {
	ctx, span := tracer().Start(ctx, name, oteltrace.WithSpanKind(oteltrace.SpanKindConsumer),
		oteltrace.WithAttributes(attribute.String("neobot.workspace", string(w)), attribute.String("neobot.delivery", delivery)))
	return ctx, func(a adapters.Answer, err error) {
		span.SetAttributes(attribute.String("neobot.answer", string(a.Where)), attribute.String("neobot.status", string(a.Card.Status)))
		if a.Track != "" {
			span.SetAttributes(attribute.String("neobot.approval", a.Track))
		}
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

func (t tracedHandler) HandleMessage(ctx context.Context, m adapters.Message) (adapters.Answer, error) {
	ctx, end := t.start(ctx, "message", m.Workspace, m.ID)
	a, err := t.next.HandleMessage(ctx, m)
	end(a, err)
	return a, err
}

func (t tracedHandler) HandleClick(ctx context.Context, c adapters.Click) (adapters.Answer, error) {
	ctx, end := t.start(ctx, "click "+string(c.Action), c.Workspace, c.ID)
	a, err := t.next.HandleClick(ctx, c)
	end(a, err)
	return a, err
}

func (t tracedHandler) HandleForm(ctx context.Context, c adapters.Click) (*cards.Form, adapters.Answer) {
	ctx, end := t.start(ctx, "form "+string(c.Action), c.Workspace, c.ID)
	form, a := t.next.HandleForm(ctx, c)
	end(a, nil)
	return form, a
}

func (t tracedHandler) Posted(ctx context.Context, approval string, ref adapters.Ref) error {
	return t.next.Posted(ctx, approval, ref)
}
