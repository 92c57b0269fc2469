package validators

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Programs that are started by an expression: built here, or named elsewhere in the same file.
var startedByExpression = map[string][]string{
	"benches/memory.rs":                                    {"&me"},
	"frontend/browser/backend.mjs":                         {"built('examples/dev_server')"},
	"crates/grafana-plugin-protocol/src/client/process.rs": {"binary"},
	"crates/store/tests/store/faults.rs":                   {"env::current_exe().unwrap()", "&program"},
	"crates/store/tests/store/postgres.rs":                 {"program"},
	"tests/grafana-host/host.go":                           {"executable"},
	"tests/prometheus/tools.rs":                            {"program"},
	"tests/support/grafana.rs":                             {"host"},
	"tests/support/jaeger.rs":                              {"program"},
	"tests/validators/cmd/emptyroot/main.go":               {"self"},
	"tests/validators/tools_test.go":                       {"program"},
	"tests/wire/life.rs":                                   {"binary()"},
}

// Programs in scripts/tools.sh that only other programs call.
var calledByOthers = map[string]string{
	"cc":         "rustc links with it",
	"initdb":     "crates/store/tests/store/postgres.rs runs it from the folder of its version",
	"mount":      "unshare runs it",
	"pg_isready": "crates/store/tests/store/postgres.rs runs it from the folder of its version",
	"postgres":   "crates/store/tests/store/postgres.rs runs it from the folder of its version",
}

// Programs of every installed system that only scripts/tools.sh and the workflows call.
var ofTheSystem = []string{"apt-get", "bash", "rustup", "sh", "sudo"}

var cargoBuiltIn = strings.Fields("bench build check clean doc install run test")

// The programs that are called, each with a file that does.
func calledPrograms(t *testing.T) map[string]string {
	t.Helper()
	called := map[string]string{}
	note := func(file string, programs ...string) {
		for _, program := range programs {
			// npm's own programs come with frontend/package-lock.json.
			if subcommand, ok := strings.CutPrefix(program, "cargo "); ok {
				if slices.Contains(cargoBuiltIn, subcommand) {
					continue
				}
				program = "cargo-" + subcommand
			}
			called[program] = file
		}
	}
	ofNpm := npmPrograms(t)
	for _, file := range tracked(t) {
		text := string(read(t, file))
		switch {
		case file == "Makefile":
			text = strings.ReplaceAll(recipes(text), "$$", "$")
			fallthrough
		case file == ".ci/run", strings.HasSuffix(file, ".sh"):
			programs, unclear, err := shellPrograms(file, text)
			if err != nil || len(unclear) > 0 {
				t.Errorf("%s: it does not show which programs %v are (%v)", file, unclear, err)
			}
			note(file, programs...)
		case strings.HasSuffix(file, "package.json"):
			for _, program := range packageScripts(t, file, text) {
				if !ofNpm[program] {
					note(file, program)
				}
			}
		default:
			started, err := startedBy(file, text)
			if err != nil {
				t.Error(err)
			}
			note(file, started.named...)
			for _, expression := range started.expressions {
				if !slices.Contains(startedByExpression[file], expression) {
					t.Errorf("%s starts a program named by `%s`. If it is built here, add it to startedByExpression", file, expression)
				}
			}
		}
	}
	return called
}

func startedBy(file, text string) (startedPrograms, error) {
	switch filepath.Ext(file) {
	case ".rs":
		return rustPrograms(text), nil
	case ".go":
		if strings.HasSuffix(file, "code_programs_test.go") {
			return startedPrograms{}, nil
		}
		return goPrograms(file, text)
	case ".mjs", ".cjs", ".js", ".ts", ".tsx":
		return nodePrograms(text), nil
	}
	return startedPrograms{}, nil
}

// Files that git tracks, or would track after `git add`, so that a new script counts at once.
func tracked(t *testing.T) []string {
	t.Helper()
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = repository(t)
	names, err := list.Output()
	if err != nil {
		t.Skip("this is not a clone")
	}
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(names)), "\n"), func(name string) bool {
		return !exists(filepath.Join(repository(t), name))
	})
}

// The commands of a Makefile.
func recipes(text string) string {
	var commands []string
	for _, line := range strings.Split(text, "\n") {
		if command, ok := strings.CutPrefix(line, "\t"); ok {
			commands = append(commands, strings.TrimPrefix(command, "@"))
		}
	}
	return strings.Join(commands, "\n")
}

func packageScripts(t *testing.T, file, text string) []string {
	t.Helper()
	var manifest struct{ Scripts map[string]string }
	if err := json.Unmarshal([]byte(text), &manifest); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var all []string
	for name, command := range manifest.Scripts {
		programs, unclear, err := shellPrograms(file, command)
		if err != nil || len(unclear) > 0 {
			t.Errorf("%s: %s: %v %v", file, name, unclear, err)
		}
		all = append(all, programs...)
	}
	return all
}

// The programs that npm installs with the packages of the browser side.
func npmPrograms(t *testing.T) map[string]bool {
	t.Helper()
	var lock struct {
		Packages map[string]struct{ Bin map[string]string }
	}
	if err := json.Unmarshal(read(t, "frontend/package-lock.json"), &lock); err != nil {
		t.Fatal(err)
	}
	programs := map[string]bool{}
	for _, about := range lock.Packages {
		for program := range about.Bin {
			programs[program] = true
		}
	}
	return programs
}

func listedPrograms(t *testing.T) map[string]bool {
	t.Helper()
	table, err := exec.Command(filepath.Join(repository(t), "scripts/tools.sh"), "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n") {
		for _, program := range strings.Fields(line)[2:] {
			if listed[program] {
				t.Errorf("scripts/tools.sh lists %s twice", program)
			}
			listed[program] = true
		}
	}
	return listed
}

// scripts/tools.sh lists exactly the programs that scripts, tests and builds call (acceptance: the second command on a fresh
// machine failed because there was no browser).
func TestToolsAreListed(t *testing.T) {
	called, listed := calledPrograms(t), listedPrograms(t)
	for _, program := range slices.Sorted(maps.Keys(called)) {
		if !listed[program] && !slices.Contains(ofTheSystem, program) {
			t.Errorf("%s calls %s, which scripts/tools.sh does not list", called[program], program)
		}
	}
	for program := range listed {
		if called[program] == "" && calledByOthers[program] == "" {
			t.Errorf("scripts/tools.sh lists %s, which nothing calls", program)
		}
	}
	for program := range calledByOthers {
		if !listed[program] || called[program] != "" {
			t.Errorf("calledByOthers is out of date: %s", program)
		}
	}
	for file, expressions := range startedByExpression {
		for _, expression := range expressions {
			if !exists(filepath.Join(repository(t), file)) || !strings.Contains(string(read(t, file)), expression) {
				t.Errorf("startedByExpression is out of date: %s does not start `%s`", file, expression)
			}
		}
	}
}

// All missing programs are reported at once, each with how to get it.
func TestMissingToolsAreReportedTogether(t *testing.T) {
	folder := t.TempDir()
	hidden := []string{"jq", "zip", "prometheus", "chromium", "go", "node", "cargo-clippy", "typos"}
	for program := range listedPrograms(t) {
		path, err := exec.LookPath(program)
		if err == nil && !slices.Contains(hidden, program) && program != "cargo" {
			if err := os.Symlink(path, filepath.Join(folder, program)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, program := range []string{"bash"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(folder, program)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	check := exec.Command(filepath.Join(repository(t), "scripts/tools.sh"), append([]string{"--check"}, hidden...)...)
	check.Env = []string{"PATH=" + folder, "HOME=" + folder}
	var messages bytes.Buffer
	check.Stderr = &messages
	if err := check.Run(); err == nil {
		t.Error("nothing was missing")
	}
	for _, program := range hidden {
		if !strings.Contains(messages.String(), "\n  "+program+" ") {
			t.Errorf("%s is not reported", program)
		}
	}
	for _, advice := range []string{"apt-get install --no-install-recommends chromium jq prometheus zip", "Go 1.", "rustup component add clippy", "cargo install --locked"} {
		if !strings.Contains(messages.String(), advice) {
			t.Errorf("nothing says %q:\n%s", advice, messages.String())
		}
	}
}
