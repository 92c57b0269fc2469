package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

var (
	words   = data.NewField("operation_type", nil, []string{"training", "data_load"})
	counts  = data.NewField("failed", nil, []float64{3, 1})
	others  = data.NewField("total", nil, []float64{4, 4})
	flags   = data.NewField("live", nil, []bool{true, false})
	bodies  = data.NewField("evidence", nil, []json.RawMessage{[]byte(`[]`), []byte(`[]`)})
	times   = data.NewField("time", nil, []time.Time{time.Unix(1_700_000_000, 0), time.Unix(1_700_000_060, 0)})
	labeled = data.NewField("failed", data.Labels{"operation_type": "training"}, []float64{3, 1})
)

func typed(t data.FrameType, fields ...*data.Field) *data.Frame {
	return data.NewFrame("f", fields...).SetMeta(&data.FrameMeta{Type: t, TypeVersion: data.FrameTypeVersion{0, 1}})
}

func TestConvertDecidesAsGrafanaDoes(t *testing.T) {
	for name, c := range map[string]struct {
		frames data.Frames
		kind   string
		path   string
		says   string
	}{
		"nothing":                       {nil, "noData", "untyped", ""},
		"a frame without fields":        {data.Frames{data.NewFrame("f")}, "noData", "untyped", ""},
		"strings and a number":          {data.Frames{data.NewFrame("f", words, counts)}, "numbers", "untyped", ""},
		"strings and two numbers":       {data.Frames{data.NewFrame("f", words, counts, others)}, "refused", "untyped", "got type not"},
		"strings, number, bool":         {data.Frames{data.NewFrame("f", words, counts, flags)}, "refused", "untyped", "got type not"},
		"strings, number, JSON":         {data.Frames{data.NewFrame("f", words, counts, bodies)}, "refused", "untyped", "got type not"},
		"untyped long":                  {data.Frames{data.NewFrame("f", times, words, counts)}, "refused", "untyped", "got type long"},
		"typed long":                    {data.Frames{typed(data.FrameTypeTimeSeriesLong, times, words, counts)}, "series", "dataplane", ""},
		"wide":                          {data.Frames{data.NewFrame("f", times, labeled)}, "series", "untyped", ""},
		"two wide":                      {data.Frames{data.NewFrame("f", times, labeled), data.NewFrame("g", times, counts)}, "series", "untyped", ""},
		"only strings":                  {data.Frames{data.NewFrame("f", words)}, "refused", "untyped", "got type not"},
		"only time":                     {data.Frames{data.NewFrame("f", times)}, "refused", "untyped", "got type not"},
		"a table after wide":            {data.Frames{data.NewFrame("f", times, labeled), data.NewFrame("g", words, counts)}, "refused", "untyped", "got type not"},
		"typed numbers before a table":  {data.Frames{typed(data.FrameTypeNumericLong, words, counts), data.NewFrame("g", words)}, "numbers", "dataplane", ""},
		"two typed number columns":      {data.Frames{typed(data.FrameTypeNumericLong, words, counts, others)}, "refused", "dataplane", "duplicate results"},
		"a table type falls through":    {data.Frames{typed(data.FrameTypeTable, words, counts)}, "numbers", "untyped", ""},
		"a label that Grafana sets too": {data.Frames{data.NewFrame("f", data.NewField("alertname", nil, []string{"x"}), data.NewField("n", nil, []float64{1}))}, "refused", "untyped", "collides"},
	} {
		got := convert("A", c.frames)
		if got.Kind != c.kind || got.Path != c.path || !strings.Contains(got.Refusal, c.says) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestNumbersCarryTheirLabels(t *testing.T) {
	for _, frame := range []*data.Frame{data.NewFrame("f", words, counts), typed(data.FrameTypeNumericLong, words, counts)} {
		got := convert("A", data.Frames{frame})
		if len(got.Numbers) != 2 || got.Numbers[1].Labels["operation_type"] != "training" || *got.Numbers[1].Value != 3 {
			t.Errorf("got %+v", got.Numbers)
		}
	}
}

func TestTimesThatDoNotAscendAreRefused(t *testing.T) {
	same := data.NewField("time", nil, []time.Time{time.Unix(1_700_000_000, 0), time.Unix(1_700_000_000, 0)})
	if got := convert("A", data.Frames{data.NewFrame("f", same, counts)}); got.Kind != "refused" {
		t.Errorf("got %+v", got)
	}
}
