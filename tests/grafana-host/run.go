package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
)

// runner makes all calls of the cases and keeps the answers.
type runner struct {
	host   *Host
	cases  Cases
	result *Result
	frames map[string]data.Frames // by "case/refId"
}

func (r *runner) run() {
	for _, c := range r.cases.Health {
		r.health(c)
	}
	for _, c := range r.cases.Resources {
		r.callResource(c)
	}
	for _, c := range r.cases.Queries {
		r.query(c)
	}
	for _, c := range r.cases.Streams {
		r.follow(c)
	}
	if r.cases.Parallel != nil {
		r.parallel(*r.cases.Parallel)
	}
	if r.cases.Metrics != nil {
		r.metrics(r.cases.Metrics)
	}
}

func (r *runner) source(own *DataSource) DataSource {
	if own != nil {
		return *own
	}
	return r.cases.DataSource
}

func (r *runner) request(c QueryCase) *pluginv2.QueryDataRequest {
	req := &pluginv2.QueryDataRequest{PluginContext: r.host.pluginContext(r.source(c.DataSource)), Headers: map[string]string{}}
	for key, value := range c.Headers {
		req.Headers[key] = value
	}
	if c.FromAlert {
		req.Headers["FromAlert"] = "true"
		req.Headers["X-Cache-Skip"] = "true"
		req.PluginContext.User = nil
	}
	for _, q := range c.Queries {
		model := r.substitute(q.Model)
		if q.Raw != nil {
			model = []byte(*q.Raw)
		}
		var typed struct {
			QueryType string `json:"queryType"`
		}
		_ = json.Unmarshal(model, &typed) // a model that is not an object has no type, as in Grafana
		interval := q.IntervalMS
		if interval == 0 {
			interval = 1000
		}
		req.Queries = append(req.Queries, &pluginv2.DataQuery{
			RefId: q.RefID, QueryType: typed.QueryType, Json: model, MaxDataPoints: 100, IntervalMS: interval,
			TimeRange: &pluginv2.TimeRange{FromEpochMS: c.FromMS, ToEpochMS: c.ToMS},
		})
	}
	return req
}

var placeholder = regexp.MustCompile(`\$\{resource:([^:}]+):([^}]+)\}`)

// substitute inserts the answers of resources: ${resource:NAME:FIELD} is a string field of the answer's object.
func (r *runner) substitute(model []byte) []byte {
	return placeholder.ReplaceAllFunc(model, func(match []byte) []byte {
		parts := placeholder.FindSubmatch(match)
		var object map[string]any
		_ = json.Unmarshal(r.result.Resources[string(parts[1])].Body, &object)
		value, ok := object[string(parts[2])].(string)
		r.result.check(ok, string(match), "the resource did not answer with this field")
		return []byte(value)
	})
}

func (r *runner) query(c QueryCase) {
	ctx, cancel := deadline(60)
	defer cancel()
	answer, err := r.host.data.QueryData(ctx, r.request(c))
	if !r.result.check(err == nil, c.Name, "QueryData failed as a whole: %v", err) {
		return
	}
	r.result.Queries[c.Name] = map[string]QueryResult{}
	for _, q := range c.Queries {
		where := c.Name + "/" + q.RefID
		response, ok := answer.Responses[q.RefID]
		if !r.result.check(ok && response != nil, where, "no answer to this refId") {
			continue
		}
		r.result.Queries[c.Name][q.RefID] = r.judge(where, q, response)
	}
	r.result.check(len(answer.Responses) == len(c.Queries), c.Name, "%d answers to %d queries", len(answer.Responses), len(c.Queries))
}

func (r *runner) judge(where string, q Query, response *pluginv2.DataResponse) QueryResult {
	out := QueryResult{Status: response.Status, Error: response.Error, ErrorSource: response.ErrorSource, Frames: []json.RawMessage{}}
	frames, err := data.UnmarshalArrowFrames(response.Frames)
	if !r.result.check(err == nil, where, "Grafana could not decode the frames: %v", err) {
		return out
	}
	r.frames[where] = frames
	for i, frame := range frames {
		body, err := data.FrameToJSON(frame, data.IncludeAll)
		if r.result.check(err == nil, where, "frame %d could not be written as JSON: %v", i, err) {
			out.Frames = append(out.Frames, body)
			out.Arrow = append(out.Arrow, response.Frames[i])
		}
		r.result.check(frame.RefID == "" || frame.RefID == q.RefID, where, "frame %d carries the refId %q", i, frame.RefID)
		if frame.Meta != nil && frame.Meta.Channel != "" {
			r.result.checkErr(where, checkChannel(frame.Meta.Channel))
		}
	}
	out.Alert = convert(q.RefID, frames)
	r.expect(where, q.Expect, response, frames, out.Alert)
	return out
}

func (r *runner) expect(where string, want Expect, got *pluginv2.DataResponse, frames data.Frames, alert AlertInput) {
	if want.Error == "" {
		r.result.check(got.Error == "", where, "answered with the error %q", got.Error)
		r.result.check(got.Status == 0 || got.Status == 200, where, "answered with status %d", got.Status)
	} else {
		r.result.check(strings.Contains(got.Error, want.Error), where, "the error %q does not say %q", got.Error, want.Error)
		r.result.check(got.ErrorSource == "plugin" || got.ErrorSource == "downstream", where, "the error has the source %q", got.ErrorSource)
	}
	if want.ErrorSource != "" {
		r.result.check(got.ErrorSource == want.ErrorSource, where, "error source %q", got.ErrorSource)
	}
	if want.Status != 0 {
		r.result.check(got.Status == want.Status, where, "status %d instead of %d", got.Status, want.Status)
	}
	if want.Frames != nil {
		r.expectFrames(where, want.Frames, frames)
	}
	switch want.Alert {
	case "":
	case "numbers", "series", "noData":
		r.result.check(alert.Kind == want.Alert, where, "an alert rule reads %s instead of %s: %s", alert.Kind, want.Alert, alert.Refusal)
	default:
		r.result.check(alert.Kind == "refused" && strings.Contains(alert.Refusal, want.Alert), where,
			"an alert rule reads %s (%s) instead of a refusal with %q", alert.Kind, alert.Refusal, want.Alert)
	}
}

func (r *runner) expectFrames(where string, want []FrameExpect, frames data.Frames) {
	if !r.result.check(len(frames) == len(want), where, "%d frames instead of %d", len(frames), len(want)) {
		return
	}
	for i, expect := range want {
		frame, at := frames[i], fmt.Sprintf("%s frame %d", where, i)
		if expect.Name != "" {
			r.result.check(frame.Name == expect.Name, at, "is named %q instead of %q", frame.Name, expect.Name)
		}
		r.result.check(frame.Rows() >= expect.MinRows, at, "%d rows, at least %d wanted", frame.Rows(), expect.MinRows)
		for _, name := range expect.Columns {
			field, _ := frame.FieldByName(name)
			r.result.check(field != nil, at, "no column %q", name)
		}
		if expect.Plugin != "" {
			r.result.check(frame.Meta != nil && frame.Meta.PreferredVisualizationPluginID == expect.Plugin, at, "does not name the panel %s", expect.Plugin)
		}
		r.result.checkErr(at, checkTable(frame))
		if expect.As != "" {
			r.result.checkErr(at, checkFrame(expect.As, frame))
		}
	}
	r.result.checkErr(where, checkGraph(frames, want))
}

// parallel sends one query many times at once. Each must get an answer, and all answers must be equal.
func (r *runner) parallel(p ParallelCase) {
	for _, c := range r.cases.Queries {
		if c.Name != p.Query {
			continue
		}
		var wait sync.WaitGroup
		answers := make([]*pluginv2.QueryDataResponse, p.Times)
		failures := make([]error, p.Times)
		for i := range p.Times {
			req := r.request(c)
			wait.Go(func() {
				ctx, cancel := deadline(60)
				defer cancel()
				answers[i], failures[i] = r.host.data.QueryData(ctx, req)
			})
		}
		wait.Wait()
		for i := range p.Times {
			where := fmt.Sprintf("%s, parallel %d", c.Name, i)
			if !r.result.checkErr(where, failures[i]) {
				continue
			}
			for _, q := range c.Queries {
				first, this := answers[0].Responses[q.RefID], answers[i].Responses[q.RefID]
				same := first != nil && this != nil && len(first.Frames) == len(this.Frames)
				for f := 0; same && f < len(this.Frames); f++ {
					same = bytes.Equal(first.Frames[f], this.Frames[f])
				}
				r.result.check(same, where, "%s is not the answer that the first one got", q.RefID)
			}
		}
	}
}

func elapsed(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }
