package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// Column kinds as the readers in Grafana's browser code need them.
type kind int

const (
	text kind = iota
	float
	integer
	number
	jsonArray
	jsonAny
	boolean
	instant
)

func (k kind) fits(t data.FieldType) bool {
	t = t.NonNullableType()
	switch k {
	case text:
		return t == data.FieldTypeString
	case float:
		return t == data.FieldTypeFloat64
	case integer:
		return t == data.FieldTypeInt64
	case number:
		return t.Numeric()
	case jsonArray, jsonAny:
		return t == data.FieldTypeJSON
	case boolean:
		return t == data.FieldTypeBool
	case instant:
		return t == data.FieldTypeTime
	}
	return false
}

type column struct {
	name     string
	kind     kind
	required bool
}

// columns finds fields by name and checks their types; fold ignores the case of names.
func columns(frame *data.Frame, want []column, fold bool) (map[string]*data.Field, error) {
	found := map[string]*data.Field{}
	for _, col := range want {
		for _, field := range frame.Fields {
			if field.Name != col.name && !(fold && strings.EqualFold(field.Name, col.name)) {
				continue
			}
			if found[col.name] != nil {
				return nil, fmt.Errorf("two columns %q", col.name)
			}
			if !col.kind.fits(field.Type()) {
				return nil, fmt.Errorf("column %q has type %s", col.name, field.Type())
			}
			found[col.name] = field
		}
		if col.required && found[col.name] == nil {
			return nil, fmt.Errorf("no column %q", col.name)
		}
	}
	return found, nil
}

func textAt(field *data.Field, row int) string {
	if field == nil {
		return ""
	}
	raw, _ := field.ConcreteAt(row)
	value, _ := raw.(string)
	return value
}

func floatAt(field *data.Field, row int) (float64, bool) {
	if field == nil {
		return 0, false
	}
	value, err := field.NullableFloatAt(row)
	if err != nil || value == nil {
		return 0, false
	}
	return *value, true
}

func timeAt(field *data.Field, row int) (time.Time, bool) {
	if field == nil {
		return time.Time{}, false
	}
	raw, ok := field.ConcreteAt(row)
	at, isTime := raw.(time.Time)
	return at, ok && isTime
}

func arrayAt(field *data.Field, row int, into any) error {
	if field == nil {
		return nil
	}
	raw, ok := field.ConcreteAt(row)
	body, isJSON := raw.(json.RawMessage)
	if !ok || !isJSON {
		return nil // null
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("column %q row %d: %w", field.Name, row, err)
	}
	return nil
}

// plausibleMS accepts milliseconds since 1970 between 2001 and 2286; seconds, micro- and nanoseconds are outside of that.
func plausibleMS(ms float64) bool { return ms >= 1e12 && ms < 1e13 }

// checkFrame applies the column rules of one kind of frame.
func checkFrame(as string, frame *data.Frame) error {
	switch as {
	case "", "table":
		return checkTable(frame)
	case "trace":
		return checkTrace(frame)
	case "nodes":
		_, err := checkNodes(frame)
		return err
	case "edges":
		return nil // together with the nodes, see checkGraph
	case "annotations":
		return checkAnnotations(frame)
	case "numbers":
		return checkNumbers(frame)
	default:
		return fmt.Errorf("no rules for %q", as)
	}
}

// checkTable checks equal lengths, unique columns, and that no time has the wrong unit.
func checkTable(frame *data.Frame) error {
	if _, err := frame.RowLen(); err != nil {
		return err
	}
	var names []string
	for _, field := range frame.Fields {
		name := field.Name + field.Labels.String() // series of a wide frame differ by their labels only
		if slices.Contains(names, name) {
			return fmt.Errorf("two columns %q", name)
		}
		names = append(names, name)
		if !instant.fits(field.Type()) {
			continue
		}
		for row := range field.Len() {
			if at, ok := timeAt(field, row); ok && !plausibleMS(float64(at.UnixMilli())) {
				return fmt.Errorf("column %q row %d is %s: a wrong unit?", field.Name, row, at)
			}
		}
	}
	return nil
}

// checkNumbers checks a frame that alert rules and SQL expressions can use directly.
func checkNumbers(frame *data.Frame) error {
	if frame.Meta == nil || frame.Meta.Type != data.FrameTypeNumericLong || frame.Meta.TypeVersion != (data.FrameTypeVersion{0, 1}) {
		return fmt.Errorf("the frame is not typed numeric-long 0.1")
	}
	if !isNumberTable(frame) {
		return fmt.Errorf("not string columns and one number")
	}
	for _, field := range frame.Fields {
		if field.Type().Numeric() && !float.fits(field.Type()) {
			return fmt.Errorf("column %q has type %s instead of float64", field.Name, field.Type())
		}
	}
	return nil
}

func checkAnnotations(frame *data.Frame) error {
	found, err := columns(frame, []column{
		{"time", instant, true}, {"timeEnd", instant, false}, {"title", text, false}, {"text", text, true},
		{"tags", text, false}, {"id", text, false}, {"color", text, false},
	}, false)
	if err != nil {
		return err
	}
	for row := range frame.Rows() {
		at, ok := timeAt(found["time"], row)
		if !ok || !plausibleMS(float64(at.UnixMilli())) {
			return fmt.Errorf("row %d has no usable time: %s", row, at)
		}
		if end, ok := timeAt(found["timeEnd"], row); ok && end.Before(at) {
			return fmt.Errorf("row %d ends before it starts", row)
		}
		if textAt(found["text"], row) == "" {
			return fmt.Errorf("row %d has no text", row)
		}
		for _, tag := range strings.Split(textAt(found["tags"], row), ",") {
			if found["tags"] != nil && strings.TrimSpace(tag) == "" && textAt(found["tags"], row) != "" {
				return fmt.Errorf("row %d has an empty tag", row)
			}
		}
	}
	return nil
}

func nearly(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
