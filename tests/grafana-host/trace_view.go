package main

import (
	"fmt"
	"slices"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

type keyValue struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

type logEntry struct {
	Timestamp float64    `json:"timestamp"`
	Fields    []keyValue `json:"fields"`
	Name      string     `json:"name"`
}

type reference struct {
	TraceID string     `json:"traceID"`
	SpanID  string     `json:"spanID"`
	Tags    []keyValue `json:"tags"`
}

var traceColumns = []column{
	{"traceID", text, true}, {"spanID", text, true}, {"parentSpanID", text, true}, {"operationName", text, true},
	{"serviceName", text, true}, {"serviceTags", jsonArray, true}, {"tags", jsonArray, true}, {"startTime", float, true},
	{"duration", float, true}, {"logs", jsonArray, true}, {"references", jsonArray, false}, {"kind", text, true},
	{"statusCode", integer, true}, {"statusMessage", text, false}, {"instrumentationLibraryName", text, false},
	{"instrumentationLibraryVersion", text, false}, {"traceState", text, false}, {"warnings", jsonArray, false},
	{"stackTraces", jsonArray, false}, {"errorIconColor", text, false},
}

var spanKinds = []string{"", "unspecified", "client", "server", "internal", "producer", "consumer"}

// checkTrace checks what Grafana's Trace view needs to render every span; times are in milliseconds.
func checkTrace(frame *data.Frame) error {
	if frame.Meta == nil || frame.Meta.PreferredVisualization != data.VisTypeTrace {
		return fmt.Errorf("preferredVisualisationType is not trace")
	}
	cols, err := columns(frame, traceColumns, false)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for row := range frame.Rows() {
		if err := checkSpan(cols, row); err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
		id := textAt(cols["spanID"], row)
		if seen[id] {
			return fmt.Errorf("row %d: the span id %s comes twice", row, id)
		}
		seen[id] = true
		if textAt(cols["traceID"], row) != textAt(cols["traceID"], 0) {
			return fmt.Errorf("row %d belongs to another trace: the view shows one trace per frame", row)
		}
	}
	return nil
}

func checkSpan(cols map[string]*data.Field, row int) error {
	for _, name := range []string{"traceID", "spanID", "operationName", "serviceName"} {
		if textAt(cols[name], row) == "" {
			return fmt.Errorf("%s is empty", name)
		}
	}
	start, ok := floatAt(cols["startTime"], row)
	if !ok || !plausibleMS(start) {
		return fmt.Errorf("startTime %v is not in milliseconds", start)
	}
	if duration, ok := floatAt(cols["duration"], row); !ok || duration < 0 {
		return fmt.Errorf("duration %v", duration)
	}
	if kind := textAt(cols["kind"], row); !slices.Contains(spanKinds, kind) {
		return fmt.Errorf("kind %q", kind)
	}
	if status, ok := floatAt(cols["statusCode"], row); !ok || (status != 0 && status != 1 && status != 2) {
		return fmt.Errorf("statusCode %v", status)
	}
	if parent := textAt(cols["parentSpanID"], row); parent == textAt(cols["spanID"], row) {
		return fmt.Errorf("the span is its own parent")
	}
	return checkSpanLists(cols, row)
}

func checkSpanLists(cols map[string]*data.Field, row int) error {
	for _, name := range []string{"serviceTags", "tags"} {
		var tags []keyValue
		if err := arrayAt(cols[name], row, &tags); err != nil {
			return err
		}
		for _, tag := range tags {
			if tag.Key == "" {
				return fmt.Errorf("a tag of %s has no key", name)
			}
		}
	}
	var logs []logEntry
	if err := arrayAt(cols["logs"], row, &logs); err != nil {
		return err
	}
	for _, log := range logs {
		if !plausibleMS(log.Timestamp) {
			return fmt.Errorf("the log time %v is not in milliseconds", log.Timestamp)
		}
		if log.Fields == nil {
			return fmt.Errorf("a log entry without a list of fields")
		}
	}
	var refs []reference
	if err := arrayAt(cols["references"], row, &refs); err != nil {
		return err
	}
	parent := textAt(cols["parentSpanID"], row)
	for _, ref := range refs {
		if ref.TraceID == "" || ref.SpanID == "" {
			return fmt.Errorf("a reference without ids")
		}
		if ref.SpanID == parent && ref.TraceID == textAt(cols["traceID"], row) {
			return fmt.Errorf("the parent is listed again as a reference")
		}
	}
	for _, name := range []string{"warnings", "stackTraces"} {
		var texts []string
		if err := arrayAt(cols[name], row, &texts); err != nil {
			return err
		}
	}
	return nil
}
