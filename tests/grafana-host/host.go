package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
)

// Host is one running plugin process, started as Grafana 12.3 starts it.
type Host struct {
	client    *goplugin.Client
	cmd       *exec.Cmd
	logs      *logSink
	secrets   []string
	Started   time.Duration
	Handshake string
	data      grpcplugin.DataClient
	diag      grpcplugin.DiagnosticsClient
	resource  grpcplugin.ResourceClient
	stream    grpcplugin.StreamClient
}

// startHost starts the executable as Grafana does: the cookie, protocol version 2, gRPC only, no AutoMTLS, the complete
// environment, and 60 seconds for the line on stdout.
func startHost(executable string, env []string) (*Host, error) {
	logs := &logSink{}
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), "GF_VERSION=12.3.0", "GF_EDITION=Open Source")
	cmd.Env = append(cmd.Env, env...)
	services := goplugin.PluginSet{
		"diagnostics": &grpcplugin.DiagnosticsGRPCPlugin{},
		"resource":    &grpcplugin.ResourceGRPCPlugin{},
		"data":        &grpcplugin.DataGRPCPlugin{},
		"stream":      &grpcplugin.StreamGRPCPlugin{},
	}
	client := goplugin.NewClient(&goplugin.ClientConfig{
		Cmd: cmd,
		HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion:  grpcplugin.ProtocolVersion,
			MagicCookieKey:   grpcplugin.MagicCookieKey,
			MagicCookieValue: grpcplugin.MagicCookieValue,
		},
		VersionedPlugins: map[int]goplugin.PluginSet{grpcplugin.ProtocolVersion: services},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		Logger: hclog.New(&hclog.LoggerOptions{
			Name: "host", Level: hclog.Trace, Output: logs, JSONFormat: true,
		}),
	})
	begin := time.Now()
	protocol, err := client.Client()
	if err != nil {
		client.Kill()
		return nil, fmt.Errorf("the plugin did not start: %w\n%s", err, logs.tail(20))
	}
	host := &Host{client: client, cmd: cmd, logs: logs, Started: time.Since(begin)}
	if re := client.ReattachConfig(); re != nil {
		host.Handshake = fmt.Sprintf("%s %s", re.Protocol, re.Addr.Network())
	}
	for name := range services {
		raw, err := protocol.Dispense(name)
		if err != nil {
			client.Kill()
			return nil, fmt.Errorf("dispensing %s: %w", name, err)
		}
		if !host.keep(raw) {
			client.Kill()
			return nil, fmt.Errorf("dispensing %s gave a %T", name, raw)
		}
	}
	return host, nil
}

func (h *Host) keep(raw any) bool {
	switch c := raw.(type) {
	case grpcplugin.DataClient:
		h.data = c
	case grpcplugin.DiagnosticsClient:
		h.diag = c
	case grpcplugin.ResourceClient:
		h.resource = c
	case grpcplugin.StreamClient:
		h.stream = c
	default:
		return false
	}
	return true
}

// Stop does what Grafana does when it ends: the Shutdown call, two seconds of waiting, then SIGKILL.
func (h *Host) Stop() KillResult {
	begin := time.Now()
	h.client.Kill()
	took := time.Since(begin)
	result := KillResult{MS: float64(took.Microseconds()) / 1000, Graceful: !h.logs.has("plugin failed to exit gracefully")}
	if h.cmd.ProcessState != nil {
		result.ExitCode = h.cmd.ProcessState.ExitCode()
	}
	if !result.Graceful {
		result.Problem = "the plugin did not end by itself within two seconds of Shutdown"
	} else if result.ExitCode != 0 {
		result.Problem = fmt.Sprintf("the plugin ended with status %d", result.ExitCode)
	}
	return result
}

// pluginContext is the context that Grafana sends with every call.
func (h *Host) pluginContext(ds DataSource) *pluginv2.PluginContext {
	for _, secret := range ds.Secure {
		h.secrets = append(h.secrets, secret)
	}
	jsonData := []byte(ds.JSONData)
	if len(jsonData) == 0 {
		jsonData = []byte("{}")
	}
	ctx := &pluginv2.PluginContext{
		OrgId:         1,
		PluginId:      "ktrdr-diagnosis-datasource",
		PluginVersion: "0.1.0",
		UserAgent:     "Grafana/12.3.0 (linux; amd64)",
		GrafanaConfig: map[string]string{
			"GF_APP_URL":                         "http://localhost:3000/",
			"GF_INSTANCE_FEATURE_TOGGLES_ENABLE": "",
			"GF_DATAPROXY_ROW_LIMIT":             "1000000",
		},
		DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
			Id: 7, Uid: ds.UID, Name: "KTRDR Diagnosis", Url: ds.URL, JsonData: jsonData,
			BasicAuthEnabled: ds.BasicAuth, BasicAuthUser: ds.BasicAuthUser,
			DecryptedSecureJsonData: ds.Secure, LastUpdatedMS: ds.Updated,
		},
	}
	role := ds.Role
	if role == "" {
		role = "Admin"
	}
	if role != "none" {
		ctx.User = &pluginv2.User{Login: "admin", Name: "Jürgen", Email: "admin@localhost", Role: role}
	}
	return ctx
}

// logSink collects the log of go-plugin, which includes the plugin's stderr lines.
type logSink struct {
	mu    sync.Mutex
	lines []string
}

func (s *logSink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range strings.Split(strings.TrimRight(string(p), "\n"), "\n") {
		s.lines = append(s.lines, line)
	}
	return len(p), nil
}

func (s *logSink) has(part string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}

func (s *logSink) tail(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines[max(0, len(s.lines)-n):], "\n")
}

// unstructured counts the plugin's stderr lines that go-plugin could not read as structured entries. It marks the entries it
// could read with the plugin's own timestamp, and keeps their level.
func (s *logSink) counts() (structured, plain int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil {
			continue
		}
		module, _ := entry["@module"].(string)
		if !strings.HasPrefix(module, "host.gpx_") {
			continue
		}
		if _, ok := entry["timestamp"]; ok {
			structured++
		} else {
			plain++
		}
	}
	return structured, plain
}

func deadline(seconds int) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
}
