package validators

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
)

func loosely(t *testing.T, name string, text []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestWorkflowsPassActionlint(t *testing.T) {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{WorkingDir: repository(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range glob(t, ".github/workflows/*.yml") {
		problems, err := linter.LintFile(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			t.Errorf("%s:%d:%d: %s (%s)", filepath.Base(file), problem.Line, problem.Column, problem.Message, problem.Kind)
		}
	}
}

type workflow struct {
	Permissions map[string]string
	Concurrency map[string]any
	Jobs        map[string]struct {
		Permissions map[string]string
		Timeout     int `yaml:"timeout-minutes"`
		Strategy    struct {
			Matrix struct{ Include []map[string]string }
		}
		Steps []struct{ Uses, Run string }
	}
}

func TestWorkflowsMayDoLittleAndCallScriptsThatAreThere(t *testing.T) {
	script := regexp.MustCompile(`scripts/[a-z-]+\.sh`)
	for _, file := range glob(t, ".github/workflows/*.yml") {
		name := filepath.Base(file)
		var flow workflow
		loosely(t, name, readFile(t, file), &flow)
		if len(flow.Permissions) != 1 || flow.Permissions["contents"] != "read" || flow.Concurrency["group"] == nil {
			t.Errorf("%s: permissions %v, concurrency %v", name, flow.Permissions, flow.Concurrency)
		}
		for job, about := range flow.Jobs {
			if about.Timeout == 0 {
				t.Errorf("%s: %s has no time limit", name, job)
			}
			for permission, level := range about.Permissions {
				if name+job+permission+level != "release.ymlpublishcontentswrite" {
					t.Errorf("%s: %s has the permission %s: %s", name, job, permission, level)
				}
			}
			for _, step := range about.Steps {
				if step.Uses != "" && !regexp.MustCompile(`^actions/[a-z-]+@v\d+$`).MatchString(step.Uses) {
					t.Errorf("%s: %s is not one of GitHub's own actions at a version", name, step.Uses)
				}
				if strings.Count(strings.TrimSpace(step.Run), "\n") > 0 {
					t.Errorf("%s: this step should be a script: %s", name, step.Run)
				}
				for _, called := range script.FindAllString(step.Run, -1) {
					info, err := os.Stat(filepath.Join(repository(t), called))
					if err != nil || info.Mode()&0o111 == 0 {
						t.Errorf("%s calls %s (%v)", name, called, err)
					}
				}
			}
		}
	}
}

// Grafana looks for executables with Go's names of system and processor.
func TestReleasesAreBuiltForTheseMachines(t *testing.T) {
	var flow workflow
	loosely(t, "release.yml", read(t, ".github/workflows/release.yml"), &flow)
	var platforms []string
	for _, one := range flow.Jobs["executables"].Strategy.Matrix.Include {
		platforms = append(platforms, one["platform"])
	}
	if strings.Join(platforms, " ") != "linux_amd64 linux_arm64 darwin_amd64 darwin_arm64 windows_amd64" {
		t.Errorf("platforms: %v", platforms)
	}
}
