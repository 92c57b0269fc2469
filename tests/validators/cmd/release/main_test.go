package main

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const gpx = "gpx_ktrdr_diagnosis_linux_amd64"

// A change to a valid archive: a file's new content (nil: removed) or mode.
type change struct {
	archive, file string
	content       *string
	mode          os.FileMode
}

// A folder as `make dist` writes it, with the changes.
func releaseFolder(t *testing.T, changes ...change) string {
	t.Helper()
	folder := t.TempDir()
	datasourceFiles := map[string]string{
		"plugin.json": `{"id": "ktrdr-diagnosis-datasource", "backend": true, "executable": "gpx_ktrdr_diagnosis",
			"info": {"version": "0.1.0", "logos": {"small": "img/logo.svg", "large": "img/logo.svg"}, "screenshots": [{"path": "img/one.png"}]},
			"includes": [{"type": "dashboard", "name": "One", "path": "dashboards/one.json"}]}`,
		"dashboards/one.json": `{"title": "One", "uid": "one"}`, "img/logo.svg": "x", "img/one.png": "x", "module.js": "x",
		"README.md": "x", "CHANGELOG.md": "x", "LICENSE": "x", gpx: "x",
	}
	panelFiles := map[string]string{
		"plugin.json":  `{"id": "ktrdr-diagnosis-panel", "info": {"version": "0.1.0", "logos": {"small": "img/logo.svg", "large": "img/logo.svg"}}}`,
		"img/logo.svg": "x", "module.js": "x", "README.md": "x", "CHANGELOG.md": "x", "LICENSE": "x",
	}
	both := map[string]string{}
	for _, name := range []string{"LICENSE", "CHANGELOG.md", "docs/install.md", "provisioning/datasources/ktrdr-diagnosis.yaml", "deploy/docker-compose.ktrdr.yaml", "deploy/helm-values.yaml"} {
		both["ktrdr-diagnosis-0.1.0/"+name] = "x"
	}
	put(both, "ktrdr-diagnosis-0.1.0/dist/ktrdr-diagnosis-datasource/", datasourceFiles)
	put(both, "ktrdr-diagnosis-0.1.0/dist/ktrdr-diagnosis-panel/", panelFiles)
	archives := map[string]map[string]string{
		"ktrdr-diagnosis-datasource-0.1.0.linux_amd64.zip": put(map[string]string{}, "ktrdr-diagnosis-datasource/", datasourceFiles),
		"ktrdr-diagnosis-panel-0.1.0.zip":                  put(map[string]string{}, "ktrdr-diagnosis-panel/", panelFiles),
		"ktrdr-diagnosis-0.1.0.linux_amd64.zip":            both,
	}
	for name, files := range archives {
		modes := map[string]os.FileMode{}
		for _, change := range changes {
			if change.archive != name {
				continue
			}
			if delete(files, change.file); change.content != nil {
				files[change.file] = *change.content
			}
			modes[change.file] = change.mode
		}
		write(t, filepath.Join(folder, name), files, modes)
	}
	if err := os.WriteFile(filepath.Join(folder, "ktrdr-diagnose-0.1.0.linux_amd64"), []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	sum(t, folder)
	return folder
}

func put(all map[string]string, prefix string, files map[string]string) map[string]string {
	for name, content := range files {
		all[prefix+name] = content
	}
	return all
}

func write(t *testing.T, path string, files map[string]string, modes map[string]os.FileMode) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for name, content := range files {
		header := &zip.FileHeader{Name: name}
		header.SetMode(0o644)
		if strings.HasSuffix(name, gpx) {
			header.SetMode(0o755)
		}
		if modes[name] != 0 {
			header.SetMode(modes[name])
		}
		writer, err := archive.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}

func sum(t *testing.T, folder string) {
	t.Helper()
	var sums strings.Builder
	files, err := filepath.Glob(filepath.Join(folder, "ktrdr-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), filepath.Base(file))
	}
	if err := os.WriteFile(filepath.Join(folder, "SHA256SUMS"), []byte(sums.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAGoodReleasePasses(t *testing.T) {
	if checked, err := check(releaseFolder(t), "0.1.0"); err != nil || checked != 4 {
		t.Fatalf("%d files, %v", checked, err)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	const zip, panelZip = "ktrdr-diagnosis-datasource-0.1.0.linux_amd64.zip", "ktrdr-diagnosis-panel-0.1.0.zip"
	text := func(content string) *string { return &content }
	for name, test := range map[string]struct {
		change change
		said   string
	}{
		"no logo":                {change{zip, "ktrdr-diagnosis-datasource/img/logo.svg", nil, 0}, "img/logo.svg"},
		"an empty screenshot":    {change{zip, "ktrdr-diagnosis-datasource/img/one.png", text(""), 0}, "img/one.png is empty"},
		"no dashboard":           {change{zip, "ktrdr-diagnosis-datasource/dashboards/one.json", nil, 0}, "dashboards/one.json"},
		"another dashboard":      {change{zip, "ktrdr-diagnosis-datasource/dashboards/one.json", text(`{"title": "Two", "uid": "two"}`), 0}, `"Two"`},
		"not executable":         {change{zip, "ktrdr-diagnosis-datasource/" + gpx, text("x"), 0o644}, "not executable"},
		"no executable":          {change{zip, "ktrdr-diagnosis-datasource/" + gpx, nil, 0}, "0 executables"},
		"another platform's too": {change{zip, "ktrdr-diagnosis-datasource/gpx_ktrdr_diagnosis_linux_arm64", text("x"), 0o755}, "2 executables"},
		"a second folder":        {change{panelZip, "another/plugin.json", text("{}"), 0}, "the one folder ktrdr-diagnosis-panel"},
		"no plugin.json":         {change{panelZip, "ktrdr-diagnosis-panel/plugin.json", nil, 0}, "plugin.json"},
		"a broken plugin.json":   {change{panelZip, "ktrdr-diagnosis-panel/plugin.json", text("{"), 0}, "plugin.json"},
		"another version":        {change{panelZip, "ktrdr-diagnosis-panel/plugin.json", text(`{"id": "ktrdr-diagnosis-panel", "info": {"version": "0.2.0"}}`), 0}, "0.2.0"},
		"a way out":              {change{panelZip, "ktrdr-diagnosis-panel/../../x", text("x"), 0}, "leads out"},
	} {
		if _, err := check(releaseFolder(t, test.change), "0.1.0"); err == nil || !strings.Contains(err.Error(), test.said) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := check(releaseFolder(t), "0.2.0"); err == nil || !strings.Contains(err.Error(), "is not 0.2.0") {
		t.Errorf("another version: %v", err)
	}
	folder := releaseFolder(t)
	if err := os.WriteFile(filepath.Join(folder, panelZip), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := check(folder, "0.1.0"); err == nil || !strings.Contains(err.Error(), "the sum of "+panelZip) {
		t.Errorf("a changed file: %v", err)
	}
}
