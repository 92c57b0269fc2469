package main

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func isNodeGraph(frame *data.Frame) bool {
	return frame.Meta != nil && frame.Meta.PreferredVisualization == data.VisTypeNodeGraph
}

// checkNodes checks the frame of nodes and returns their ids.
func checkNodes(frame *data.Frame) (map[string]bool, error) {
	if !isNodeGraph(frame) {
		return nil, fmt.Errorf("preferredVisualisationType is not nodeGraph")
	}
	cols, err := columns(frame, []column{
		{"id", text, true}, {"title", text, false}, {"subtitle", text, false}, {"icon", text, false},
		{"noderadius", number, false}, {"highlighted", boolean, false}, {"isinstrumented", boolean, false},
	}, true)
	if err != nil {
		return nil, err
	}
	var arcs []*data.Field
	for _, field := range frame.Fields {
		name := strings.ToLower(field.Name)
		switch {
		case strings.HasPrefix(name, "arc__"):
			if !field.Type().Numeric() {
				return nil, fmt.Errorf("column %q is not a number", field.Name)
			}
			if field.Config == nil || len(field.Config.Color) == 0 {
				return nil, fmt.Errorf("column %q has no colour", field.Name)
			}
			arcs = append(arcs, field)
		}
		if err := checkShown(field); err != nil {
			return nil, err
		}
	}
	ids := map[string]bool{}
	for row := range frame.Rows() {
		id := textAt(cols["id"], row)
		if id == "" || ids[id] {
			return nil, fmt.Errorf("row %d: the id %q is empty or not unique", row, id)
		}
		ids[id] = true
		sum := 0.0
		for _, arc := range arcs {
			part, _ := floatAt(arc, row)
			if part < 0 || part > 1 {
				return nil, fmt.Errorf("row %d: %s is %v", row, arc.Name, part)
			}
			sum += part
		}
		if len(arcs) > 0 && !nearly(sum, 1) {
			return nil, fmt.Errorf("row %d: the arcs add up to %v", row, sum)
		}
	}
	return ids, nil
}

// checkShown checks the displayed values. The graph prints a string unchanged, and a number followed by the id of its unit. Its
// legend and menus show displayName, else the column's name; they do not read displayNameFromDS (acceptance G4).
func checkShown(field *data.Field) error {
	name := strings.ToLower(field.Name)
	stat := name == "mainstat" || name == "secondarystat" || strings.HasPrefix(name, "detail__")
	if !stat && !strings.HasPrefix(name, "arc__") {
		return nil
	}
	if field.Config == nil || field.Config.DisplayName == "" {
		return fmt.Errorf("column %q has no displayName", field.Name)
	}
	if !stat || text.fits(field.Type()) {
		return nil
	}
	if !field.Type().Numeric() {
		return fmt.Errorf("column %q has type %s", field.Name, field.Type())
	}
	if unit := field.Config.Unit; strings.Contains(unit, ":") || strings.HasPrefix(unit, "percent") || unit == "short" {
		return fmt.Errorf("column %q would be printed with %q behind the number", field.Name, unit)
	}
	return nil
}

// checkEdges checks that the nodes of each edge exist; otherwise Grafana throws.
func checkEdges(frame *data.Frame, nodes map[string]bool) error {
	if !isNodeGraph(frame) {
		return fmt.Errorf("preferredVisualisationType is not nodeGraph")
	}
	cols, err := columns(frame, []column{
		{"id", text, true}, {"source", text, true}, {"target", text, true}, {"thickness", number, false},
		{"color", text, false}, {"strokedasharray", text, false}, {"highlighted", boolean, false},
	}, true)
	if err != nil {
		return err
	}
	for _, field := range frame.Fields {
		if err := checkShown(field); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for row := range frame.Rows() {
		id := textAt(cols["id"], row)
		if id == "" || seen[id] {
			return fmt.Errorf("row %d: the id %q is empty or not unique", row, id)
		}
		seen[id] = true
		for _, end := range []string{"source", "target"} {
			if node := textAt(cols[end], row); !nodes[node] {
				return fmt.Errorf("row %d: the %s %q is not a node", row, end, node)
			}
		}
	}
	return nil
}

// checkGraph checks the two frames of a node graph together.
func checkGraph(frames data.Frames, expect []FrameExpect) error {
	var nodes map[string]bool
	for i, want := range expect {
		if i >= len(frames) {
			break
		}
		var err error
		switch want.As {
		case "nodes":
			nodes, err = checkNodes(frames[i])
		case "edges":
			err = checkEdges(frames[i], nodes)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", want.As, err)
		}
	}
	return nil
}
