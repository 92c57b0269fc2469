package validators

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Runs scripts/check-text.sh over a repository of one file, beside the script and its lists.
func textFindings(t *testing.T, text string, exceptions string) string {
	t.Helper()
	folder := t.TempDir()
	files := map[string]string{"page.md": text, "scripts/prose-exceptions.txt": exceptions}
	for _, name := range []string{"scripts/check-text.sh", "scripts/prose.tsv"} {
		files[name] = string(read(t, name))
	}
	for name, text := range files {
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

func TestTextCheck(t *testing.T) {
	for _, test := range []struct{ text, finding string }{
		{"fine\n<<<<<<< HEAD\n", "page.md:2:"}, // review B1
		{"a\nb\n>>>>>>> pack\n", "page.md:3:"},
		{"Title\n=======\n<<<<<<<<< and a << b\n", ""},
		{"cd /" + "work/main\n", "paths of a machine"},
		{"see /" + "root/.cache", "paths of a machine"},
		{"/" + "home/me/x", "paths of a machine"},
		{"target/work/x, ${DIR}/work/x, /workers", ""},
		{"https://proxy." + "example-go.org/x", "hosts of package registries"},
		{"some.artifactory" + ".net", "hosts of package registries"},
		{"https://files.example.com/x, https://rustup.rs", ""},
		{"one\nThis is no error.", "page.md:2: \"is no error\": write is not a"},
		{"There is no error. It is no longer so.", ""},
		{"fn is_told_by()", "\"told\""},
		{"clickhouse and indoors", ""},
	} {
		found := textFindings(t, test.text, "")
		if (found == "") != (test.finding == "") || !strings.Contains(found, test.finding) {
			t.Errorf("%q: %q", test.text, found)
		}
	}
}

// The list of exceptions only gets shorter.
func TestExceptionsOfTheTextCheck(t *testing.T) {
	if found := textFindings(t, "This is no error.", "page.md\n"); found != "" {
		t.Error(found)
	}
	for text, exceptions := range map[string]string{"clean": "page.md\n", "This is no error.": "page.md\ngone.md\n"} {
		if found := textFindings(t, text, exceptions); !strings.Contains(found, "these files are clean now") {
			t.Errorf("%q: %q", text, found)
		}
	}
}
