package main

import "encoding/json"

// Cases lists the calls to make to one plugin process.
type Cases struct {
	DataSource DataSource    `json:"dataSource"`
	Health     []HealthCase  `json:"health"`
	Queries    []QueryCase   `json:"queries"`
	Resources  []ResCase     `json:"resources"` // called first: queries may refer to their answers, see substitute
	Streams    []StreamCase  `json:"streams"`
	Metrics    []string      `json:"metrics"` // names that CollectMetrics must contain
	Env        []string      `json:"env"`     // in addition to the inherited environment, KEY=value
	Parallel   *ParallelCase `json:"parallel"`
}

// DataSource is the instance in every call, as an administrator saved it.
type DataSource struct {
	UID           string            `json:"uid"`
	URL           string            `json:"url"`
	JSONData      json.RawMessage   `json:"jsonData"`
	Secure        map[string]string `json:"secure"` // no output may contain any of these values
	BasicAuth     bool              `json:"basicAuth"`
	BasicAuthUser string            `json:"basicAuthUser"`
	Role          string            `json:"role"`    // of the user; "none" leaves the user out, as alerting does
	Updated       int64             `json:"updated"` // ms; another value means changed settings
}

// QueryCase is one QueryData call.
type QueryCase struct {
	Name       string            `json:"name"`
	DataSource *DataSource       `json:"dataSource"` // instead of the shared one
	FromMS     int64             `json:"fromMs"`
	ToMS       int64             `json:"toMs"`
	Headers    map[string]string `json:"headers"`
	FromAlert  bool              `json:"fromAlert"`
	Queries    []Query           `json:"queries"`
}

// Query is one query of a call, with the expected answer.
type Query struct {
	RefID      string          `json:"refId"`
	Model      json.RawMessage `json:"model"` // the JSON that the query editor saved; any text when Raw is set
	Raw        *string         `json:"raw"`
	IntervalMS int64           `json:"intervalMs"`
	Expect     Expect          `json:"expect"`
}

// Expect describes the expected answer. An empty Error means that there must be no error.
type Expect struct {
	Error       string        `json:"error"`       // part of the message
	ErrorSource string        `json:"errorSource"` // plugin or downstream
	Status      int32         `json:"status"`
	Frames      []FrameExpect `json:"frames"` // in order; nil checks nothing
	Alert       string        `json:"alert"`  // "numbers", "series", "noData" or part of the error message
}

// FrameExpect describes an expected frame.
type FrameExpect struct {
	Name    string   `json:"name"`
	As      string   `json:"as"` // table, trace, nodes, edges, annotations, numbers; empty checks nothing more
	Columns []string `json:"columns"`
	MinRows int      `json:"minRows"`
	Plugin  string   `json:"plugin"` // preferredVisualisationPluginId
}

// HealthCase is one CheckHealth call.
type HealthCase struct {
	Name       string      `json:"name"`
	DataSource *DataSource `json:"dataSource"`
	Status     string      `json:"status"`  // OK, ERROR
	Message    string      `json:"message"` // part of the message
}

// ResCase is one CallResource call.
type ResCase struct {
	Name       string          `json:"name"`
	DataSource *DataSource     `json:"dataSource"`
	Method     string          `json:"method"`
	Path       string          `json:"path"` // with its query
	Body       json.RawMessage `json:"body"`
	BodyBytes  int             `json:"bodyBytes"` // sends this many arbitrary bytes instead
	Status     int32           `json:"status"`
	Contains   []string        `json:"contains"`
}

// StreamCase follows the channel in the answer of a query of this run.
type StreamCase struct {
	Name    string `json:"name"`
	Query   string `json:"query"` // name of the QueryCase
	RefID   string `json:"refId"`
	Path    string `json:"path"` // instead of a query's channel
	Status  string `json:"status"`
	Packets int    `json:"packets"` // how many to wait for
	WithinS int    `json:"withinS"`
}

// ParallelCase sends the same query many times at once.
type ParallelCase struct {
	Query string `json:"query"`
	Times int    `json:"times"`
}
