// Package validators checks the files that other programs read (compose files, workflows, the Dockerfile, the files that
// Grafana provisions) with those programs' own parsers, if these are Go modules.
package validators

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The absolute path of the repository.
func repository(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{repository(t)}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The files that match a pattern, at least one.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(repository(t), pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("%s names no file (%v)", pattern, err)
	}
	return found
}

// Decodes YAML. An unknown key is an error.
func strictly(t *testing.T, name string, text []byte, into any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
