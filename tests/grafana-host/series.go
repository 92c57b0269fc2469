package main

import (
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func (s *Series) add(at time.Time, value *float64) {
	text := at.UTC().Format(time.RFC3339Nano)
	if s.First == "" {
		s.First = text
	}
	s.Last = text
	if value != nil {
		s.Sum += *value
	}
}

// fromWide splits a wide frame into series, one for each value field. Times must ascend, otherwise Grafana's Reduce and its
// charts show wrong values.
func fromWide(frame *data.Frame) ([]Series, error) {
	schema := frame.TimeSeriesSchema()
	var out []Series
	for _, index := range schema.ValueIndices {
		field := frame.Fields[index]
		if !field.Type().Numeric() {
			return nil, fmt.Errorf("the value field %q has type %s", field.Name, field.Type())
		}
		series := Series{Name: field.Name, Labels: field.Labels, Points: frame.Rows()}
		var last time.Time
		for row := range frame.Rows() {
			raw, ok := frame.ConcreteAt(schema.TimeIndex, row)
			at, isTime := raw.(time.Time)
			if !ok || !isTime {
				return nil, fmt.Errorf("row %d has no time", row)
			}
			if row > 0 && !at.After(last) {
				return nil, fmt.Errorf("the times do not ascend at row %d", row)
			}
			last = at
			value, err := field.NullableFloatAt(row)
			if err != nil {
				return nil, err
			}
			series.add(at, value)
		}
		out = append(out, series)
	}
	return out, nil
}
