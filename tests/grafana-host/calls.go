package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func (r *runner) health(c HealthCase) {
	ctx, cancel := deadline(60)
	defer cancel()
	where := "health " + c.Name
	answer, err := r.host.diag.CheckHealth(ctx, &pluginv2.CheckHealthRequest{
		PluginContext: r.host.pluginContext(r.source(c.DataSource)), Headers: map[string]string{},
	})
	if !r.result.checkErr(where, err) {
		return
	}
	out := HealthResult{Status: answer.Status.String(), Message: answer.Message}
	if len(answer.JsonDetails) > 0 {
		var object map[string]any
		if r.result.check(json.Unmarshal(answer.JsonDetails, &object) == nil, where, "the details are not a JSON object: %q", answer.JsonDetails) {
			out.Details = json.RawMessage(answer.JsonDetails)
		}
	}
	r.result.Health[c.Name] = out
	r.result.check(out.Status == c.Status, where, "status %s instead of %s: %s", out.Status, c.Status, out.Message)
	r.result.check(strings.Contains(out.Message, c.Message), where, "%q does not contain %q", out.Message, c.Message)
}

func (r *runner) metrics(names []string) {
	ctx, cancel := deadline(30)
	defer cancel()
	answer, err := r.host.diag.CollectMetrics(ctx, &pluginv2.CollectMetricsRequest{PluginContext: r.host.pluginContext(r.cases.DataSource)})
	if !r.result.checkErr("metrics", err) || !r.result.check(answer.Metrics != nil, "metrics", "the answer has no metrics") {
		return
	}
	r.result.Metrics = string(answer.Metrics.Prometheus)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(answer.Metrics.Prometheus))
	if !r.result.check(err == nil, "metrics", "not Prometheus text: %v", err) {
		return
	}
	for _, name := range names {
		found := false
		for family := range families {
			found = found || strings.HasPrefix(family, name)
		}
		r.result.check(found, "metrics", "no %s", name)
	}
}

func (r *runner) callResource(c ResCase) {
	ctx, cancel := deadline(60)
	defer cancel()
	where := "resource " + c.Name
	body := []byte(c.Body)
	if c.BodyBytes > 0 {
		body = bytes.Repeat([]byte("x"), c.BodyBytes)
	}
	path, _, _ := strings.Cut(c.Path, "?")
	stream, err := r.host.resource.CallResource(ctx, &pluginv2.CallResourceRequest{
		PluginContext: r.host.pluginContext(r.source(c.DataSource)), Method: c.Method, Path: path, Url: c.Path, Body: body,
		Headers: map[string]*pluginv2.StringList{"Accept": {Values: []string{"application/json"}}, "Content-Type": {Values: []string{"application/json"}}},
	})
	if !r.result.checkErr(where, err) {
		return
	}
	out := ResResult{Headers: map[string]any{}}
	var whole []byte
	for first := true; ; first = false {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			r.result.check(!first, where, "the stream ended without an answer")
			break
		}
		if !r.result.checkErr(where, err) {
			return
		}
		if first {
			out.Status = part.Code
			for name, values := range part.Headers {
				out.Headers[name] = values.Values
			}
		}
		whole = append(whole, part.Body...)
	}
	if json.Valid(whole) {
		out.Body = whole
	} else {
		out.Text = string(whole)
	}
	r.result.Resources[c.Name] = out
	r.result.check(out.Status == c.Status, where, "status %d instead of %d: %.300s", out.Status, c.Status, whole)
	if out.Status >= 400 {
		var problem struct {
			Message string `json:"message"`
		}
		r.result.check(json.Unmarshal(whole, &problem) == nil && problem.Message != "", where, "an error without a message: %.300s", whole)
	}
	for _, part := range c.Contains {
		r.result.check(bytes.Contains(whole, []byte(part)), where, "%.300s does not contain %q", whole, part)
	}
}

var channelPath = regexp.MustCompile(`^ds/[A-Za-z0-9_-]+/[A-Za-z0-9_\-/=.]+$`)

// checkChannel applies Grafana Live's limits to the id of a channel.
func checkChannel(channel string) error {
	if len(channel) > 160 {
		return fmt.Errorf("the channel %s has more than 160 characters", channel)
	}
	if !channelPath.MatchString(channel) {
		return fmt.Errorf("the channel %s has characters that Grafana Live rejects", channel)
	}
	return nil
}

// readFrame reads a live frame. Grafana passes it unchanged to browsers, where the order of keys does not matter. Go's decoder
// needs the schema first, and the values before their corrections.
func readFrame(body []byte) error {
	var parts struct {
		Schema json.RawMessage `json:"schema,omitempty"`
		Data   struct {
			Values   json.RawMessage `json:"values,omitempty"`
			Entities json.RawMessage `json:"entities,omitempty"`
			Nanos    json.RawMessage `json:"nanos,omitempty"`
		} `json:"data"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&parts); err != nil {
		return err
	}
	if parts.Schema == nil {
		return errors.New("it has no schema")
	}
	ordered, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	return json.Unmarshal(ordered, new(data.Frame))
}

func (r *runner) follow(c StreamCase) {
	where, path := "stream "+c.Name, c.Path
	if path == "" {
		for _, frame := range r.frames[c.Query+"/"+c.RefID] {
			if frame.Meta != nil && frame.Meta.Channel != "" {
				path = strings.SplitN(frame.Meta.Channel, "/", 3)[2]
			}
		}
		if !r.result.check(path != "", where, "no frame of %s names a channel", c.Query) {
			return
		}
	}
	ctx, cancel := deadline(c.WithinS + 10)
	defer cancel()
	plugin := r.host.pluginContext(r.cases.DataSource)
	model := r.modelOf(c)
	subscribed, err := r.host.stream.SubscribeStream(ctx, &pluginv2.SubscribeStreamRequest{PluginContext: plugin, Path: path, Data: model})
	if !r.result.checkErr(where, err) {
		return
	}
	out := StreamResult{Status: subscribed.Status.String(), Packets: []json.RawMessage{}}
	defer func() { r.result.Streams[c.Name] = out }()
	if !r.result.check(out.Status == c.Status, where, "SubscribeStream answered %s instead of %s", out.Status, c.Status) || out.Status != "OK" {
		return
	}
	if len(subscribed.Data) > 0 {
		err := readFrame(subscribed.Data)
		r.result.check(err == nil, where, "the data of the subscription are not a frame (%v): %.300s", err, subscribed.Data)
	}
	stream, err := r.host.stream.RunStream(ctx, &pluginv2.RunStreamRequest{PluginContext: plugin, Path: path, Data: model})
	if !r.result.checkErr(where, err) {
		return
	}
	for len(out.Packets) < c.Packets {
		packet, err := stream.Recv()
		if !r.result.check(err == nil, where, "after %d of %d packets: %v", len(out.Packets), c.Packets, err) {
			return
		}
		problem := readFrame(packet.Data)
		r.result.check(problem == nil, where, "the packet is not a frame (%v): %.300s", problem, packet.Data)
		out.Packets = append(out.Packets, packet.Data)
	}
	begin := time.Now()
	cancel()
	for err == nil {
		_, err = stream.Recv()
	}
	out.EndedMS = elapsed(begin)
}

func (r *runner) modelOf(c StreamCase) []byte {
	for _, q := range r.cases.Queries {
		for _, one := range q.Queries {
			if q.Name == c.Query && one.RefID == c.RefID {
				return r.substitute(one.Model)
			}
		}
	}
	return nil
}

// withoutSecrets checks that no output contains a secret, plain or percent-encoded.
func (r *runner) withoutSecrets(output []byte) {
	for _, secret := range r.host.secrets {
		for _, form := range []string{secret, url.QueryEscape(secret)} {
			if len(form) < 6 {
				continue
			}
			r.result.check(!bytes.Contains(output, []byte(form)), "secrets", "an answer contains one")
			r.result.check(!r.host.logs.has(form), "secrets", "a log line contains one")
		}
	}
}
