package sandbox

import (
	"encoding/json"
	"net/http"
)

// control serves /_sandbox/ for scripts: POST fault (a Fault as JSON), GET
// requests (?writes=true for the writes only), GET violations, POST reset.
func (n *Neo) control() {
	n.mux.HandleFunc("POST /_sandbox/fault", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if _, ok := n.doc.ops[f.Op]; f.Op != "" && !ok {
			http.Error(w, "unknown operation "+f.Op, http.StatusBadRequest)
			return
		}
		n.Fail(f)
		w.WriteHeader(http.StatusNoContent)
	})
	n.mux.HandleFunc("GET /_sandbox/requests", func(w http.ResponseWriter, r *http.Request) {
		list := n.Requests()
		if r.URL.Query().Get("writes") == "true" {
			list = n.Writes()
		}
		n.plain(w, list)
	})
	n.mux.HandleFunc("GET /_sandbox/violations", func(w http.ResponseWriter, _ *http.Request) { n.plain(w, n.Violations()) })
	n.mux.HandleFunc("POST /_sandbox/reset", func(w http.ResponseWriter, _ *http.Request) {
		if err := n.Reset(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// plain writes v as JSON without an envelope.
func (n *Neo) plain(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		n.cfg.Logger.Debug("client gone", "error", err)
	}
}
