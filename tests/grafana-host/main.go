// Command grafana-host takes the place of Grafana 12.3: it starts a data source plugin as Grafana does, sends it the queries
// in a file of cases, decodes the answers with Grafana's own code, and prints the results as JSON.
//
// The exit status is 0 if all expectations were met, 1 if not (see "problems"), and 2 for wrong usage.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

func main() {
	plugin := flag.String("plugin", "", "the plugin's executable")
	cases := flag.String("cases", "", "file of cases (JSON); - reads stdin")
	logs := flag.Bool("logs", false, "print what the plugin logged to stderr")
	flag.Parse()
	if *plugin == "" || *cases == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ok, err := do(*plugin, *cases, *logs)
	if err != nil {
		fmt.Fprintln(os.Stderr, "grafana-host:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(1)
	}
}

func do(plugin, path string, logs bool) (bool, error) {
	cases, err := readCases(path)
	if err != nil {
		return false, err
	}
	host, err := startHost(plugin, cases.Env)
	if err != nil {
		return false, err
	}
	result := newResult()
	result.StartedMS = float64(host.Started.Microseconds()) / 1000
	result.Handshake = host.Handshake
	r := &runner{host: host, cases: cases, result: result, frames: map[string]data.Frames{}}
	r.run()
	result.Kill = host.Stop()
	result.check(result.Kill.Problem == "", "kill", "%s", result.Kill.Problem)
	result.Logs.Structured, result.Logs.Plain = host.logs.counts()
	if output, err := json.Marshal(result); err == nil {
		r.withoutSecrets(output)
	}
	if logs {
		fmt.Fprintln(os.Stderr, host.logs.tail(1000))
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	return len(result.Problems) == 0, encoder.Encode(result)
}

func readCases(path string) (Cases, error) {
	var cases Cases
	file := os.Stdin
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return cases, err
		}
		defer file.Close()
	}
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cases); err != nil {
		return cases, fmt.Errorf("the cases in %s: %w", path, err)
	}
	return cases, nil
}
