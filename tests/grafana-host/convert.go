package main

import (
	"fmt"
	"sort"

	"github.com/grafana/dataplane/sdata/numeric"
	"github.com/grafana/dataplane/sdata/reader"
	"github.com/grafana/dataplane/sdata/timeseries"
	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// AlertInput is the result of Grafana's expression engine for an answer.
type AlertInput struct {
	Kind    string   `json:"kind"` // numbers, series, noData, refused
	Path    string   `json:"path"` // dataplane or untyped
	Numbers []Number `json:"numbers,omitempty"`
	Series  []Series `json:"series,omitempty"`
	Refusal string   `json:"refusal,omitempty"`
}

// Number is one alert instance before its condition.
type Number struct {
	Name   string      `json:"name"`
	Labels data.Labels `json:"labels"`
	Value  *float64    `json:"value"`
}

// Series is one time series before it is reduced.
type Series struct {
	Name   string      `json:"name"`
	Labels data.Labels `json:"labels"`
	Points int         `json:"points"`
	First  string      `json:"first,omitempty"`
	Last   string      `json:"last,omitempty"`
	Sum    float64     `json:"sum"` // of the values that exist
}

func refused(path, format string, args ...any) AlertInput {
	return AlertInput{Kind: "refused", Path: path, Refusal: fmt.Sprintf(format, args...)}
}

// convert decides like Grafana's expression engine for a data source other than Prometheus: the data plane if the first frame
// is typed and versioned, else one table of numbers, else wide time series, else an error.
func convert(refID string, frames data.Frames) AlertInput {
	if len(frames) == 0 {
		return AlertInput{Kind: "noData", Path: "untyped"}
	}
	if meta := frames[0].Meta; meta != nil && meta.Type != "" && !meta.TypeVersion.IsZero() {
		if kind, err := reader.CanReadBasedOnMeta(frames); err == nil {
			switch kind.Kind() {
			case data.KindNumeric:
				return unique(fromNumeric(frames))
			case data.KindTimeSeries:
				return fromSeries(frames)
			}
		}
	}
	if len(frames) == 1 {
		frame := frames[0]
		if len(frame.Fields) == 0 {
			return AlertInput{Kind: "noData", Path: "untyped"}
		}
		if isNumberTable(frame) {
			return unique(fromNumberTable(frame))
		}
	}
	out := AlertInput{Kind: "series", Path: "untyped"}
	for _, frame := range frames {
		kind := frame.TimeSeriesSchema().Type
		if kind != data.TimeSeriesTypeWide {
			return refused("untyped", "input data must be a wide series but got type %s (input refid %s)", kind, refID)
		}
		series, err := fromWide(frame)
		if err != nil {
			return refused("untyped", "%v", err)
		}
		out.Series = append(out.Series, series...)
	}
	return out
}

// isNumberTable reports whether there is no time field, exactly one numeric field, and otherwise only strings.
func isNumberTable(frame *data.Frame) bool {
	numbers := 0
	for _, field := range frame.Fields {
		switch t := field.Type(); {
		case t.Numeric():
			numbers++
		case t == data.FieldTypeString || t == data.FieldTypeNullableString:
		default:
			return false
		}
	}
	return numbers == 1
}

func fromNumberTable(frame *data.Frame) AlertInput {
	out := AlertInput{Kind: "numbers", Path: "untyped"}
	for row := range frame.Rows() {
		number := Number{Labels: data.Labels{}}
		for _, field := range frame.Fields {
			if field.Type().Numeric() {
				value, err := field.FloatAt(row) // a null is NaN here, as in Grafana
				if err != nil {
					return refused("untyped", "%v", err)
				}
				number.Name, number.Value = field.Name, &value
				continue
			}
			text, _ := field.ConcreteAt(row)
			number.Labels[field.Name], _ = text.(string)
		}
		out.Numbers = append(out.Numbers, number)
	}
	if len(out.Numbers) == 0 {
		out.Kind = "noData"
	}
	return out
}

func fromNumeric(frames data.Frames) AlertInput {
	out := AlertInput{Kind: "numbers", Path: "dataplane"}
	source, err := numeric.CollectionReaderFromFrames(frames)
	if err != nil {
		return refused(out.Path, "%v", err)
	}
	collection, err := source.GetCollection(false)
	if err != nil {
		return refused(out.Path, "%v", err)
	}
	for _, ref := range collection.Refs {
		value, empty, err := ref.NullableFloat64Value()
		if err != nil {
			return refused(out.Path, "%v", err)
		}
		if empty {
			continue
		}
		out.Numbers = append(out.Numbers, Number{Name: ref.GetMetricName(), Labels: ref.GetLabels(), Value: value})
	}
	if len(out.Numbers) == 0 {
		out.Kind = "noData"
	}
	return out
}

func fromSeries(frames data.Frames) AlertInput {
	out := AlertInput{Kind: "series", Path: "dataplane"}
	source, err := timeseries.CollectionReaderFromFrames(frames)
	if err != nil {
		return refused(out.Path, "%v", err)
	}
	collection, err := source.GetCollection(false)
	if err != nil {
		return refused(out.Path, "%v", err)
	}
	for _, ref := range collection.Refs {
		points, err := ref.Len()
		if err != nil {
			return refused(out.Path, "%v", err)
		}
		series := Series{Name: ref.GetMetricName(), Labels: ref.GetLabels(), Points: points}
		for i := range points {
			at, value, err := ref.NullableFloat64Point(i)
			if err != nil {
				return refused(out.Path, "%v", err)
			}
			series.add(at, value)
		}
		out.Series = append(out.Series, series)
	}
	if len(out.Series) == 0 {
		out.Kind = "noData"
	}
	return out
}

// unique rejects two instances with the same labels, as an alert rule does.
func unique(in AlertInput) AlertInput {
	if in.Kind != "numbers" {
		return in
	}
	sort.SliceStable(in.Numbers, func(i, j int) bool { return in.Numbers[i].Labels.String() < in.Numbers[j].Labels.String() })
	for i := 1; i < len(in.Numbers); i++ {
		if in.Numbers[i].Labels.Equals(in.Numbers[i-1].Labels) {
			return refused(in.Path, "frame cannot uniquely be identified by its labels: has duplicate results with labels {%s}", in.Numbers[i].Labels)
		}
	}
	for _, number := range in.Numbers {
		for name := range number.Labels {
			if reserved[name] {
				return refused(in.Path, "the label %q collides with one that Grafana sets itself", name)
			}
		}
	}
	return in
}

// reserved labels are set by Grafana's alerting; a query must not return them.
var reserved = map[string]bool{
	"alertname": true, "grafana_folder": true, "__alert_rule_uid__": true, "datasource_uid": true, "ref_id": true,
}
