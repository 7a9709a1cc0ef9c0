package sandbox

// EndCompany is a client company of the MSP.
type EndCompany struct {
	PsaCompanyID         string   `json:"psa_company_id"`
	PsaCompanyName       string   `json:"psa_company_name"`
	TenantID             *string  `json:"tenant_id"` // Microsoft 365 tenant
	AutoAssignExchange   bool     `json:"auto_assign_exchange_admin"`
	CustomInstructions   *string  `json:"custom_instructions"`
	ChatInstructions     *string  `json:"custom_instructions_for_user_facing_chat"`
	IdentityProvider     Object   `json:"employee_identity_provider,omitempty"`
	MailboxProvider      Object   `json:"mailbox_provider,omitempty"`
	MarketplaceIDs       []Object `json:"marketplace_company_ids"`
	ApplicationAccess    bool     `json:"azure_application_access_granted"`
	DelegatedAccess      bool     `json:"azure_delegated_access_granted"`
	OpenTicketsLastCount int      `json:"open_tickets"`
}

func companyOps() map[string]handler {
	return map[string]handler{
		"list_end_companies": func(c *call) (reply, error) { return list(c, c.state.Companies, nil) },
		"get_end_company": func(c *call) (reply, error) {
			e, err := lookup(c, c.state.Companies, "psa_company_id", "End company")
			return reply{data: e}, err
		},
		"create_end_company": createCompany, "update_end_company": updateCompany,
		"delete_end_company": func(c *call) (reply, error) {
			if !c.state.Companies.Remove(c.path("psa_company_id")) {
				return reply{}, notFound("End company")
			}
			return reply{data: Object{"psa_company_id": c.path("psa_company_id"), "deleted": true}}, nil
		},
	}
}

func createCompany(c *call) (reply, error) {
	e := &EndCompany{MarketplaceIDs: []Object{}}
	if err := c.bind(e); err != nil {
		return reply{}, err
	}
	if e.PsaCompanyID == "" || e.PsaCompanyName == "" {
		return reply{}, unprocessable("psa_company_id", "and psa_company_name must not be empty")
	}
	if c.state.Companies.Get(e.PsaCompanyID) != nil {
		return reply{}, conflict("end_company_exists", "A company with this PSA id exists")
	}
	e.ApplicationAccess, e.DelegatedAccess = false, false // granted by the client, not by a call
	c.state.Companies.Add(e)
	return reply{data: e}, nil
}

// updateCompany changes the sent fields. Consent flags and the id are not
// editable. The document leaves this body open, so types are checked here.
func updateCompany(c *call) (reply, error) {
	old, err := lookup(c, c.state.Companies, "psa_company_id", "End company")
	if err != nil {
		return reply{}, err
	}
	next, err := clone(old)
	if err != nil {
		return reply{}, err
	}
	if err := c.bind(next); err != nil {
		return reply{}, err
	}
	if next.PsaCompanyName == "" {
		return reply{}, unprocessable("psa_company_name", "must not be empty")
	}
	next.PsaCompanyID, next.ApplicationAccess, next.DelegatedAccess = old.PsaCompanyID, old.ApplicationAccess, old.DelegatedAccess
	*old = *next
	return reply{data: old}, nil
}
