package validators

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// The Dockerfile's stages, as BuildKit reads them. A warning of its linter is an error.
func stages(t *testing.T) []instructions.Stage {
	t.Helper()
	parsed, err := parser.Parse(bytes.NewReader(read(t, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range parsed.Warnings {
		t.Errorf("Dockerfile: %s", warning.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, description, url, message string, location []parser.Range) {
		t.Errorf("Dockerfile: %s: %s %v", rule, message, location)
	}})
	found, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func stageNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, stage := range stages(t) {
		names = append(names, stage.Name)
	}
	return names
}

func environment(stage instructions.Stage) map[string]string {
	all := map[string]string{}
	for _, command := range stage.Commands {
		if env, ok := command.(*instructions.EnvCommand); ok {
			for _, pair := range env.Env {
				all[pair.Key] = pair.Value
			}
		}
	}
	return all
}

func TestTheDockerfileIsSound(t *testing.T) {
	var before []string
	for _, stage := range stages(t) {
		for _, command := range stage.Commands {
			if copied, ok := command.(*instructions.CopyCommand); ok && copied.From != "" && !slices.Contains(before, copied.From) {
				t.Errorf("%s copies from %s, which is not an earlier stage", stage.Name, copied.From)
			}
		}
		if _, tag, _ := strings.Cut(stage.BaseName, ":"); stage.BaseName != "scratch" && tag == "" {
			t.Errorf("%s: the image %s has no version", stage.Name, stage.BaseName)
		}
		before = append(before, stage.Name)
	}
	grafana := slices.IndexFunc(stages(t), func(stage instructions.Stage) bool { return stage.Name == "grafana" })
	if grafana < 0 {
		t.Fatal("there is no target grafana")
	}
	// A volume over Grafana's data would hide plugins below it.
	path := environment(stages(t)[grafana])["GF_PATHS_PLUGINS"]
	if path == "" || strings.HasPrefix(path+"/", "/var/lib/grafana/") {
		t.Errorf("the plugins lie in %q", path)
	}
	copies := fmt.Sprint(stages(t)[grafana].Commands)
	if !strings.Contains(copies, "/src/dist/") || !strings.Contains(copies, path+"/") {
		t.Errorf("the plugins are not copied to %s: %s", path, copies)
	}
}

// The build context contains the files that `make dist` reads, and not the large folders.
func TestTheBuildGetsWhatItNeeds(t *testing.T) {
	patterns, err := ignorefile.ReadAll(bytes.NewReader(read(t, ".dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	ignored := func(path string) bool {
		answer, err := matcher.MatchesOrParentMatches(path)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	list := exec.Command("git", "ls-files", "Cargo.*", "build.rs", "plugin.json", "README.md", "CHANGELOG.md", "LICENSE", "src", "benches", "scripts", "provisioning",
		"deploy", "frontend", "docs/img/*.png", "docs/*.md")
	list.Dir = repository(t)
	tracked, err := list.Output()
	if err != nil {
		t.Skip("this is not a clone")
	}
	for _, path := range strings.Fields(string(tracked)) {
		needed := !strings.HasPrefix(path, "frontend/browser/hosts/") && !strings.HasPrefix(path, "tests/")
		if needed == ignored(path) {
			t.Errorf("%s: needed %v, ignored %v", path, needed, ignored(path))
		}
	}
	for _, path := range []string{".git/config", "target/debug/x", "dist/x/plugin.json", "release/x.zip", "frontend/node_modules/x/package.json"} {
		if !ignored(path) {
			t.Errorf("%s is not ignored", path)
		}
	}
}
