package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func jsons(values ...string) []json.RawMessage {
	var out []json.RawMessage
	for _, v := range values {
		out = append(out, json.RawMessage(v))
	}
	return out
}

// aTrace is a valid frame; the change makes one thing invalid.
func aTrace(change func(map[string]*data.Field)) *data.Frame {
	fields := map[string]*data.Field{
		"traceID":       data.NewField("traceID", nil, []string{"t", "t"}),
		"spanID":        data.NewField("spanID", nil, []string{"a", "b"}),
		"parentSpanID":  data.NewField("parentSpanID", nil, []*string{nil, ptr("a")}),
		"operationName": data.NewField("operationName", nil, []string{"POST /x", "work"}),
		"serviceName":   data.NewField("serviceName", nil, []string{"api", "api"}),
		"serviceTags":   data.NewField("serviceTags", nil, jsons(`[{"key":"k","value":1}]`, `[]`)),
		"tags":          data.NewField("tags", nil, jsons(`[]`, `[{"key":"error","value":true}]`)),
		"startTime":     data.NewField("startTime", nil, []float64{1.7e12, 1.7e12}),
		"duration":      data.NewField("duration", nil, []float64{10, 2.5}),
		"logs":          data.NewField("logs", nil, jsons(`[]`, `[{"timestamp":1700000000000,"fields":[{"key":"event","value":"x"}]}]`)),
		"references":    data.NewField("references", nil, jsons(`[]`, `[]`)),
		"kind":          data.NewField("kind", nil, []string{"server", "internal"}),
		"statusCode":    data.NewField("statusCode", nil, []int64{0, 2}),
	}
	if change != nil {
		change(fields)
	}
	frame := data.NewFrame("trace").SetMeta(&data.FrameMeta{PreferredVisualization: data.VisTypeTrace})
	for _, col := range traceColumns {
		if field := fields[col.name]; field != nil {
			frame.Fields = append(frame.Fields, field)
		}
	}
	return frame
}

func ptr(s string) *string { return &s }

func TestATraceMustBeWhatTheViewDraws(t *testing.T) {
	if err := checkTrace(aTrace(nil)); err != nil {
		t.Fatalf("a valid trace is rejected: %v", err)
	}
	for says, change := range map[string]func(map[string]*data.Field){
		"comes twice":     func(f map[string]*data.Field) { f["spanID"].Set(1, "a"); f["parentSpanID"].Set(1, (*string)(nil)) },
		"spanID is empty": func(f map[string]*data.Field) { f["spanID"].Set(1, "") },
		"startTime":       func(f map[string]*data.Field) { f["startTime"].Set(0, 1.7e15) },
		"duration":        func(f map[string]*data.Field) { f["duration"].Set(0, -1.0) },
		"log time": func(f map[string]*data.Field) {
			f["logs"].Set(1, json.RawMessage(`[{"timestamp":1.7e15,"fields":[]}]`))
		},
		"statusCode": func(f map[string]*data.Field) { f["statusCode"].Set(0, int64(3)) },
		"kind":       func(f map[string]*data.Field) { f["kind"].Set(0, "SERVER") },
		"again as a ref": func(f map[string]*data.Field) {
			f["references"].Set(1, json.RawMessage(`[{"traceID":"t","spanID":"a"}]`))
		},
		"another trace":       func(f map[string]*data.Field) { f["traceID"].Set(1, "u") },
		`no column "kind"`:    func(f map[string]*data.Field) { delete(f, "kind") },
		`"duration" has type`: func(f map[string]*data.Field) { f["duration"] = data.NewField("duration", nil, []int64{1, 2}) },
		`a tag of tags`:       func(f map[string]*data.Field) { f["tags"].Set(0, json.RawMessage(`[{"value":1}]`)) },
	} {
		if err := checkTrace(aTrace(change)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", says, err)
		}
	}
}

func graph(arc float64, target string) data.Frames {
	meta := &data.FrameMeta{PreferredVisualization: data.VisTypeNodeGraph}
	green := data.NewField("arc__ok", nil, []float64{arc, 1})
	green.Config = &data.FieldConfig{DisplayName: "OK", Color: map[string]interface{}{"mode": "fixed", "fixedColor": "green"}}
	return data.Frames{
		data.NewFrame("nodes", data.NewField("id", nil, []string{"api", "worker"}), green).SetMeta(meta),
		data.NewFrame("edges", data.NewField("id", nil, []string{"e"}), data.NewField("source", nil, []string{"api"}), data.NewField("target", nil, []string{target})).SetMeta(meta),
	}
}

func TestANodeGraphMustNotThrow(t *testing.T) {
	expect := []FrameExpect{{As: "nodes"}, {As: "edges"}}
	if err := checkGraph(graph(1, "worker"), expect); err != nil {
		t.Errorf("a valid graph is rejected: %v", err)
	}
	for says, frames := range map[string]data.Frames{"is not a node": graph(1, "gone"), "add up": graph(0.5, "worker")} {
		if err := checkGraph(frames, expect); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", says, err)
		}
	}
}

func TestANodeGraphPrintsWhatPeopleRead(t *testing.T) {
	field := func(name string, values any, config data.FieldConfig) *data.Field {
		return data.NewField(name, nil, values).SetConfig(&config)
	}
	for says, of := range map[string]*data.Field{
		"":                    field("mainstat", []string{"12 ms"}, data.FieldConfig{DisplayName: "Time"}),
		"no displayName":      field("mainstat", []string{"12 ms"}, data.FieldConfig{DisplayNameFromDS: "Time"}),
		`"suffix: errors"`:    field("secondarystat", []float64{1}, data.FieldConfig{DisplayName: "Errors", Unit: "suffix: errors"}),
		`"percentunit"`:       field("detail__share", []float64{1}, data.FieldConfig{DisplayName: "Share", Unit: "percentunit"}),
		`"arc__a" has no dis`: field("arc__a", []float64{1}, data.FieldConfig{}),
	} {
		err := checkShown(of)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", says, err)
		}
	}
}

func TestTimesInAWrongUnitAreSeen(t *testing.T) {
	for unit, ok := range map[time.Duration]bool{time.Nanosecond: true, time.Microsecond: false, time.Millisecond: false} {
		at := time.Unix(0, 1_700_000_000_000_000_000/int64(unit))
		frame := data.NewFrame("f", data.NewField("start", nil, []time.Time{at}))
		if err := checkTable(frame); (err == nil) != ok {
			t.Errorf("%s: got %v", unit, err)
		}
	}
}

func TestAnnotationsNeedTimeAndText(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	build := func(text string, end time.Time) *data.Frame {
		return data.NewFrame("annotations", data.NewField("time", nil, []time.Time{at}), data.NewField("timeEnd", nil, []*time.Time{&end}),
			data.NewField("title", nil, []string{"stuck"}), data.NewField("text", nil, []string{text}), data.NewField("tags", nil, []string{"a,b"}))
	}
	for i, c := range []struct {
		frame *data.Frame
		ok    bool
	}{{build("x", at), true}, {build("", at), false}, {build("x", at.Add(-time.Second)), false}, {data.NewFrame("a", words), false}} {
		if err := checkAnnotations(c.frame); (err == nil) != c.ok {
			t.Errorf("case %d: got %v", i, err)
		}
	}
}

func TestNumbersAreOneFloatColumnAndStrings(t *testing.T) {
	if err := checkFrame("numbers", typed(data.FrameTypeNumericLong, words, counts)); err != nil {
		t.Error(err)
	}
	for _, frame := range []*data.Frame{data.NewFrame("f", words, counts), typed(data.FrameTypeNumericLong, words, counts, flags)} {
		if checkFrame("numbers", frame) == nil {
			t.Errorf("%v was accepted", frame.Fields)
		}
	}
}

func TestChannelsKeepToGrafanasLimits(t *testing.T) {
	for channel, ok := range map[string]bool{
		"ds/uid-1/diagnosis/9f=": true, "ds/uid": false, "ds/u/a b": false, "plugin/x/y": false,
		fmt.Sprintf("ds/u/%0160d", 1): false,
	} {
		if err := checkChannel(channel); (err == nil) != ok {
			t.Errorf("%s: got %v", channel, err)
		}
	}
}
