package neoapi

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Tenant is the MSP that the key belongs to. No page shows its fields, so
// everything but Raw may be empty.
type Tenant struct {
	ID   StringID        `json:"id"`
	Name string          `json:"name"`
	Raw  json.RawMessage `json:"-"`
}

func (t *Tenant) keep(raw json.RawMessage) { t.Raw = raw }

// Settings of the tenant.
type Settings struct {
	Timezone      string          `json:"timezone"` // IANA name
	BusinessStart *int            `json:"start_business_hours"`
	BusinessEnd   *int            `json:"end_business_hours"`
	Name          string          `json:"human_friendly_client_name"`
	Raw           json.RawMessage `json:"-"`
}

func (s *Settings) keep(raw json.RawMessage) { s.Raw = raw }

// Location of the tenant's time zone; UTC with an error when it is not set or
// not known, so that the caller can say so.
func (s Settings) Location() (*time.Location, error) {
	if s.Timezone == "" || s.Timezone == "Local" {
		return time.UTC, fmt.Errorf("tenant time zone is not set: %w", ErrArgs)
	}
	loc, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return time.UTC, fmt.Errorf("tenant time zone: %w", err)
	}
	return loc, nil
}

// CreditUsage of one month. Limit, remaining and reserve are nil for past months.
type CreditUsage struct {
	Month            string   `json:"month"`
	CreditsUsed      float64  `json:"credits_used"`
	Forecast         float64  `json:"forecasted_credits"`
	CreditsLimit     *float64 `json:"credits_limit"`
	CreditsRemaining *float64 `json:"credits_remaining"`
	ReserveBalance   *float64 `json:"reserve_balance"`
}

// AgentCreditUsage of one month.
type AgentCreditUsage struct {
	Month  string         `json:"month"`
	Agents []AgentCredits `json:"agents"`
}

// AgentCredits is the share of one agent.
type AgentCredits struct {
	ID            StringID `json:"agent_id"`
	Name          string   `json:"agent_name"`
	Credits       float64  `json:"credits_consumed"`
	UniqueTickets int      `json:"unique_tickets"`
}

// GetTenant of the key.
func (s *Session) GetTenant(ctx context.Context) (Tenant, error) {
	return get[Tenant](ctx, s, "get_tenant", Args{})
}

// GetSettings of the tenant.
func (s *Session) GetSettings(ctx context.Context) (Settings, error) {
	return get[Settings](ctx, s, "get_settings", Args{})
}

// GetCreditUsage of a month ("2026-11"; empty: the current one).
func (s *Session) GetCreditUsage(ctx context.Context, month string) (CreditUsage, error) {
	return get[CreditUsage](ctx, s, "get_credit_usage", query("month", month))
}

// GetCreditUsageByAgent of a month, like GetCreditUsage.
func (s *Session) GetCreditUsageByAgent(ctx context.Context, month string) (AgentCreditUsage, error) {
	return get[AgentCreditUsage](ctx, s, "get_credit_usage_by_agent", query("month", month))
}
