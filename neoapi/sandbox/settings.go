package sandbox

import (
	"time"
)

// Settings of the tenant. Null means not set.
type Settings struct {
	HumanFriendlyClientName *string `json:"human_friendly_client_name"`
	Timezone                *string `json:"timezone"` // IANA name
	StartBusinessHours      *int    `json:"start_business_hours"`
	EndBusinessHours        *int    `json:"end_business_hours"`
	SleepBeforeProcessing   *int    `json:"sleep_before_callback_processing_seconds"`
	ReferralCode            *string `json:"referral_code"`
}

// Tenant is the owner of the key.
type Tenant struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Region    string    `json:"region"`
	Plan      string    `json:"plan"`
	Psa       string    `json:"psa"`
	CreatedAt time.Time `json:"created_at"`
}

func metaOps() map[string]handler {
	return map[string]handler{
		"get_health": func(*call) (reply, error) {
			return reply{data: Object{"status": "ok", "version": "sandbox"}}, nil
		},
		"get_openapi_document": func(c *call) (reply, error) { return reply{data: c.n.served, raw: true}, nil },
	}
}

func settingsOps() map[string]handler {
	return map[string]handler{
		"get_tenant":      func(c *call) (reply, error) { return reply{data: c.state.Tenant}, nil },
		"get_settings":    func(c *call) (reply, error) { return reply{data: c.state.Settings}, nil },
		"update_settings": updateSettings,
	}
}

// updateSettings changes the sent fields.
func updateSettings(c *call) (reply, error) {
	next, err := clone(&c.state.Settings)
	if err != nil {
		return reply{}, err
	}
	if err := c.bind(next); err != nil {
		return reply{}, err
	}
	zone, err := checkSettings(*next)
	if err != nil {
		return reply{}, err
	}
	c.state.Settings, c.state.zone = *next, zone
	return reply{data: next}, nil
}

func checkSettings(s Settings) (*time.Location, error) {
	for name, hour := range map[string]*int{"start_business_hours": s.StartBusinessHours, "end_business_hours": s.EndBusinessHours} {
		if hour != nil && (*hour < 0 || *hour > 24) {
			return nil, unprocessable(name, "must be an hour from 0 to 24")
		}
	}
	if s.StartBusinessHours != nil && s.EndBusinessHours != nil && *s.StartBusinessHours >= *s.EndBusinessHours {
		return nil, unprocessable("end_business_hours", "must be after start_business_hours")
	}
	if n := s.SleepBeforeProcessing; n != nil && (*n < 0 || *n > 3600) {
		return nil, unprocessable("sleep_before_callback_processing_seconds", "must be from 0 to 3600")
	}
	if s.Timezone == nil {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(*s.Timezone)
	if err != nil || *s.Timezone == "" || *s.Timezone == "Local" {
		return nil, unprocessable("timezone", "is not an IANA time zone")
	}
	return zone, nil
}
