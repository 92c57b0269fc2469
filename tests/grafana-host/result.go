package main

import (
	"encoding/json"
	"fmt"
)

// Result is the output of the program.
type Result struct {
	StartedMS float64                           `json:"startedMs"`
	Handshake string                            `json:"handshake"`
	Problems  []string                          `json:"problems"` // empty if all expectations were met
	Checked   int                               `json:"checked"`  // number of checks
	Health    map[string]HealthResult           `json:"health"`
	Queries   map[string]map[string]QueryResult `json:"queries"`
	Resources map[string]ResResult              `json:"resources"`
	Streams   map[string]StreamResult           `json:"streams"`
	Metrics   string                            `json:"metrics"`
	Logs      LogResult                         `json:"logs"`
	Kill      KillResult                        `json:"kill"`
}

// QueryResult is the answer to one refId, decoded by Grafana's own code.
type QueryResult struct {
	Status      int32             `json:"status"`
	Error       string            `json:"error,omitempty"`
	ErrorSource string            `json:"errorSource,omitempty"`
	Frames      []json.RawMessage `json:"frames"` // as Grafana sends them to the browser
	Arrow       [][]byte          `json:"arrow"`  // as the plugin sent them
	Alert       AlertInput        `json:"alert"`
}

// HealthResult is the answer to CheckHealth.
type HealthResult struct {
	Status  string          `json:"status"`
	Message string          `json:"message"`
	Details json.RawMessage `json:"details,omitempty"`
}

// ResResult is the answer to CallResource.
type ResResult struct {
	Status  int32           `json:"status"`
	Headers map[string]any  `json:"headers"`
	Body    json.RawMessage `json:"body,omitempty"` // when it is JSON
	Text    string          `json:"text,omitempty"` // when it is not
}

// StreamResult is the result of following a channel.
type StreamResult struct {
	Status  string            `json:"status"`
	Packets []json.RawMessage `json:"packets"`
	EndedMS float64           `json:"endedMs"` // from cancelling to the end
}

// LogResult counts the plugin's stderr lines.
type LogResult struct {
	Structured int `json:"structured"`
	Plain      int `json:"plain"`
}

// KillResult is how the plugin ended.
type KillResult struct {
	Graceful bool    `json:"graceful"`
	MS       float64 `json:"ms"`
	ExitCode int     `json:"exitCode"`
	Problem  string  `json:"problem,omitempty"`
}

func newResult() *Result {
	return &Result{
		Problems: []string{}, Health: map[string]HealthResult{}, Queries: map[string]map[string]QueryResult{},
		Resources: map[string]ResResult{}, Streams: map[string]StreamResult{},
	}
}

// check counts a check and records a failure as a problem.
func (r *Result) check(ok bool, where, format string, args ...any) bool {
	r.Checked++
	if !ok {
		r.Problems = append(r.Problems, where+": "+fmt.Sprintf(format, args...))
	}
	return ok
}

// checkErr is check for an error.
func (r *Result) checkErr(where string, err error) bool {
	return r.check(err == nil, where, "%v", err)
}
