package main

import (
	"log/slog"
	"time"

	"neobot/intents"
)

// modelTimeout bounds one HTTP exchange with a model; the router's own limits
// are shorter.
const modelTimeout = 30 * time.Second

// newRouter asks a model when one is configured, and the built-in router
// otherwise and whenever the model fails.
func newRouter(cfg Config, m *metrics, log *slog.Logger, now func() time.Time) (intents.Router, error) {
	builtIn := intents.BuiltIn{}
	if !cfg.modelOn() {
		return builtIn, nil
	}
	return intents.NewModel(intents.ModelConfig{
		BaseURL: cfg.modelURL(), Key: string(cfg.OpenAIKey), Model: cfg.OpenAIModel,
		HTTP: m.client("model", modelTimeout), Logger: log, Now: now, Fallback: builtIn,
	})
}

// summarizerOf is the model behind a router, nil for the built-in one.
func summarizerOf(r intents.Router) intents.Summarizer {
	s, _ := r.(intents.Summarizer)
	return s
}

// modelName is the model in use, empty without one.
func modelName(cfg Config) string {
	if !cfg.modelOn() {
		return ""
	}
	return cfg.OpenAIModel
}
