package validators

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The output of scripts/check-text.sh for a repository with these files, the script and its list of words.
func textFindings(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	all := map[string]string{}
	for _, name := range []string{"scripts/check-text.sh", "scripts/prose.tsv"} {
		all[name] = string(read(t, name))
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	create := exec.Command("git", "init", "-q")
	create.Dir = folder
	if output, err := create.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	check := exec.Command("scripts/check-text.sh")
	check.Dir = folder
	output, err := check.CombinedOutput()
	if (err == nil) != (len(output) == 0) {
		t.Fatalf("%v: %s", err, output)
	}
	return string(output)
}

// In two parts, so that this file itself passes the check.
const isNo = "is " + "no "

func TestTextCheck(t *testing.T) {
	tests := []struct {
		text string
		// Line and end of the finding; empty if there must not be one.
		line    int
		finding string
	}{
		{"fine\n<<<<<<< HEAD\n", 2, "<<<<<<< HEAD"}, // review B1
		{"a\nb\n>>>>>>> pack\n", 3, ">>>>>>> pack"},
		{"Title\n=======\n<<<<<<<<< and a << b\n", 0, ""},
		{"cd /" + "work/main\n", 1, "main"},
		{"see /" + "root/.cache", 1, ".cache"},
		{"/" + "home/me/x", 1, "me/x"},
		{"target/work/x, ${DIR}/work/x, /workers", 0, ""},
		{"https://proxy." + "example-go.org/x", 1, "org/x"},
		{"some.artifactory" + ".net", 1, ".net"},
		{"https://files.example.com/x, https://rustup.rs", 0, ""},
		{"one\nThis " + isNo + "error.", 2, isNo + "error\": write is not a, is not valid"},
		{"There " + isNo + "error. It " + isNo + "longer so.", 0, ""},
		{"fn a_r" + "ig()", 1, ": write harness, test bed"},
		{"clickhouse and indoors", 0, ""},
	}
	files := map[string]string{}
	for nth, test := range tests {
		files[fmt.Sprintf("page-%d.md", nth)] = test.text
	}
	found := strings.Split(textFindings(t, files), "\n")
	for nth, test := range tests {
		var lines []string
		for _, line := range found {
			if strings.HasPrefix(line, fmt.Sprintf("page-%d.md:", nth)) {
				lines = append(lines, line)
			}
		}
		place := fmt.Sprintf("page-%d.md:%d:", nth, test.line)
		right := len(lines) == 1 && strings.HasPrefix(lines[0], place) && strings.HasSuffix(lines[0], test.finding)
		if test.line == 0 && len(lines) > 0 || test.line > 0 && !right {
			t.Errorf("%q: %q", test.text, lines)
		}
	}
}
