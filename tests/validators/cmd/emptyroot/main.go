// Command emptyroot proves that the static programs work in a root file system without libraries, certificates and time
// zones. It runs them on a network of its own, in which only a small DNS server resolves names.
//
//	emptyroot PLUGIN TOOL
//
// It needs Linux, and root or user namespaces.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	inside = "KTRDR_EMPTY_ROOT"
	name   = "jaeger.example.test"
	// Uses the search list of resolv.conf, as in Kubernetes.
	short, domain = "jaeger", "cluster.test"
	hosts         = "jaeger.hosts.test"
)

func main() {
	err := errors.New("usage: emptyroot PLUGIN TOOL")
	switch {
	case len(os.Args) != 3:
	case os.Getenv(inside) == "":
		err = enter()
	default:
		err = prove(os.Args[1], os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "emptyroot:", err)
		os.Exit(1)
	}
}

// Starts this program again on a network of its own.
func enter() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	again := exec.Command(self, os.Args[1:]...)
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	again.Env = append(os.Environ(), inside+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		again.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		again.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		again.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := again.Run(); err != nil {
		return fmt.Errorf("on a network of its own: %w", err)
	}
	return nil
}

func prove(plugin, tool string) error {
	if err := loopbackUp(); err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "emptyroot")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if err := furnish(root, plugin, tool); err != nil {
		return err
	}
	dns, err := serveDNS("127.0.0.1:53", name, short+"."+domain)
	if err != nil {
		return err
	}
	if err := serveJaeger(root); err != nil {
		return err
	}
	secure, authority, err := serveTLS(name, "127.0.0.1:16686")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "ca.pem"), authority, 0o644); err != nil {
		return err
	}
	ask := asker(root)

	reference, err := ask("by its address", nil, "http://127.0.0.1:16686")
	if err != nil {
		return err
	}
	for what, url := range map[string]string{
		"by a name that DNS knows":               "http://" + name + ":16686",
		"by a short name and the search list":    "http://" + short + ":16686",
		"by a name in /etc/hosts":                "http://" + hosts + ":16686",
		"by the name localhost":                  "http://localhost:16686",
		"over TLS, with an authority of our own": secure + " --ca-cert /ca.pem",
	} {
		answer, err := ask(what, nil, strings.Fields(url)...)
		if err != nil {
			return err
		}
		if !bytes.Equal(answer, reference) {
			return fmt.Errorf("asked %s, it answers something else than by its address", what)
		}
	}
	for _, asked := range []string{name, short + "." + domain} {
		if !dns.wasAsked(asked) {
			return fmt.Errorf("DNS was never asked for %s", asked)
		}
	}

	// Times are UTC regardless of TZ, and no time zone is loaded.
	zoned, err := ask("in another time zone", []string{"TZ=America/New_York"}, "http://127.0.0.1:16686")
	if err != nil || !bytes.Equal(zoned, reference) {
		return fmt.Errorf("the time zone changes the answer (%v)", err)
	}
	// What must fail reports an error that names the cause.
	if _, err := ask("", nil, secure); err == nil || !strings.Contains(err.Error(), "certificate") {
		return fmt.Errorf("a certificate of an unknown authority should be refused as such, not: %v", err)
	}
	if _, err := ask("", nil, "http://nowhere.example.test:16686"); err == nil || !strings.Contains(err.Error(), "nowhere.example.test") {
		return fmt.Errorf("a name that nobody knows should be refused as such, not: %v", err)
	}
	// The programs contain the public root certificates: they do not need /etc/ssl.
	for _, program := range []string{plugin, tool} {
		text, err := os.ReadFile(program)
		if err != nil || !bytes.Contains(text, []byte("ISRG Root X1")) {
			return fmt.Errorf("%s holds no root certificates (%v)", program, err)
		}
	}
	if err := simulate(root); err != nil {
		return err
	}
	fmt.Println("emptyroot: names (DNS, search list, /etc/hosts), TLS and times work in an empty root")
	return nil
}

// The complete content of the root file system.
func furnish(root, plugin, tool string) error {
	random := make([]byte, 1<<16)
	source, err := os.Open("/dev/urandom")
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := source.Read(random); err != nil {
		return err
	}
	files := map[string]string{
		"dev/null":        "",
		"dev/urandom":     string(random),
		"dev/random":      string(random),
		"etc/resolv.conf": "nameserver 127.0.0.1\nsearch " + domain + "\noptions ndots:2 timeout:2\n",
		"etc/hosts":       "127.0.0.1 " + hosts + "\n",
		"tmp/.keep":       "",
		// A static C library would read this, look for a module that does not exist, and fail.
		"etc/nsswitch.conf": "hosts: elsewhere [!SUCCESS=return]\n",
	}
	for path, text := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{plugin: "plugin", tool: "tool"} {
		program, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(root, to), program, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func command(root string, environment []string, arguments ...string) *exec.Cmd {
	run := exec.Command("/tool", arguments...)
	run.Dir = "/"
	run.Env = append([]string{"NO_COLOR=1"}, environment...)
	run.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Pdeathsig: syscall.SIGKILL}
	return run
}

// The example Jaeger, which also runs in the empty root. First the plugin diagnoses it over its protocol.
func serveJaeger(root string) error {
	server := command(root, nil, "demo", "--keep", "--port", "16686", "--plugin", "/plugin", "--now", now)
	var out bytes.Buffer
	server.Stdout, server.Stderr = &out, &out
	if err := server.Start(); err != nil {
		return fmt.Errorf("the demonstration: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	for range 600 {
		if answers("127.0.0.1:16686") {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the demonstration ended (%v): %s", err, out.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("the demonstration does not serve: %s", out.String())
}

// The simulated KTRDR, as in its container: it resolves Jaeger by name, serves metrics, and ends on a signal.
func simulate(root string) error {
	received, err := serveOTLP("127.0.0.1:4318")
	if err != nil {
		return err
	}
	simulation := command(root, nil, "demo", "--feed", "http://"+short+":4318", "--metrics", "0.0.0.0")
	var out bytes.Buffer
	simulation.Stdout, simulation.Stderr = &out, &out
	if err := simulation.Start(); err != nil {
		return fmt.Errorf("the simulation: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- simulation.Wait() }()
	select {
	case <-received:
	case err := <-ended:
		return fmt.Errorf("the simulation ended (%v): %s", err, out.String())
	case <-time.After(time.Minute):
		return errors.New("the simulation sends nothing")
	}
	metrics, err := get("http://127.0.0.1:8000/metrics/")
	if err != nil || !strings.Contains(metrics, "ktrdr_workers_available{") {
		return fmt.Errorf("the simulation's metrics (%v): %s", err, metrics)
	}
	if err := simulation.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("after a signal, the simulation: %w: %s", err, out.String())
		}
	case <-time.After(time.Minute):
		return errors.New("after a signal, the simulation goes on")
	}
	return nil
}

// The clock of all answers, so that they can be compared.
const now = "2026-11-22T12:00:00Z"

func asker(root string) func(string, []string, ...string) ([]byte, error) {
	return func(what string, environment []string, jaeger ...string) ([]byte, error) {
		arguments := append([]string{"operations", "--from", "now-24h", "--now", now, "--format", "json", "--limit", "1000", "--jaeger"}, jaeger...)
		run := command(root, environment, arguments...)
		var out, complaint bytes.Buffer
		run.Stdout, run.Stderr = &out, &complaint
		if err := run.Run(); err != nil {
			return nil, fmt.Errorf("asking Jaeger %s: %w: %s", what, err, complaint.String())
		}
		var operations []json.RawMessage
		if err := json.Unmarshal(out.Bytes(), &operations); err != nil || len(operations) == 0 {
			return nil, fmt.Errorf("asking Jaeger %s: no operations (%v): %s%s", what, err, out.String(), complaint.String())
		}
		return out.Bytes(), nil
	}
}
