// Command release checks the folder release/: Grafana's installer accepts the archives, they are complete, and the checksums
// match.
//
//	release FOLDER VERSION
package main

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	datasource = "ktrdr-diagnosis-datasource"
	panel      = "ktrdr-diagnosis-panel"
	bundle     = "ktrdr-diagnosis"
	tool       = "ktrdr-diagnose"
)

// The parts of a zip's name: product, version, platform (none: all).
var named = regexp.MustCompile(`^([a-z-]+)-(\d+\.\d+\.\d+[0-9A-Za-z.-]*?)(?:\.((?:linux|darwin|windows)_(?:amd64|arm64)))?(\.zip|\.exe)?$`)

// The parts of plugin.json that refer to files.
type plugin struct {
	ID         string `json:"id"`
	Executable string `json:"executable"`
	Backend    bool   `json:"backend"`
	Info       struct {
		Version string `json:"version"`
		Logos   struct {
			Small string `json:"small"`
			Large string `json:"large"`
		} `json:"logos"`
		Screenshots []struct {
			Path string `json:"path"`
		} `json:"screenshots"`
	} `json:"info"`
	Includes []struct {
		Type string `json:"type"`
		Name string `json:"name"`
		Path string `json:"path"`
	} `json:"includes"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: release FOLDER VERSION")
		os.Exit(2)
	}
	checked, err := check(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
	fmt.Printf("release: %d files of version %s are as Grafana takes them\n", checked, os.Args[2])
}

func check(folder, version string) (int, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	var problems []error
	complain := func(name, format string, arguments ...any) {
		problems = append(problems, fmt.Errorf("%s: "+format, append([]any{name}, arguments...)...))
	}
	var products, files []string
	for _, entry := range entries {
		name := entry.Name()
		if name == "SHA256SUMS" {
			continue
		}
		files = append(files, name)
		parts := named.FindStringSubmatch(name)
		if parts == nil {
			complain(name, "what is this?")
			continue
		}
		product, platform := parts[1], parts[3]
		products = append(products, product)
		if parts[2] != version {
			complain(name, "its version is not %s", version)
		}
		file := filepath.Join(folder, name)
		switch product {
		case datasource, panel:
			err = inZip(file, func(files fs.FS) error { return onePlugin(files, product, version, platform) })
		case bundle:
			err = inZip(file, func(files fs.FS) error { return oneBundle(files, version, platform) })
		case tool:
			if info, statErr := entry.Info(); statErr != nil || info.Mode()&0o111 == 0 {
				err = errors.New("it is not executable")
			}
		default:
			err = errors.New("what is this?")
		}
		if err != nil {
			complain(name, "%w", err)
			err = nil
		}
	}
	for _, product := range []string{datasource, panel, bundle, tool} {
		if !slices.Contains(products, product) {
			complain(product, "it is missing")
		}
	}
	if err := checksums(folder, files); err != nil {
		problems = append(problems, err)
	}
	return len(files), errors.Join(problems...)
}

func inZip(file string, look func(fs.FS) error) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, entry := range archive.File {
		// Reading all of it checks its CRC.
		if strings.HasPrefix(entry.Name, "/") || slices.Contains(strings.Split(entry.Name, "/"), "..") || strings.Contains(entry.Name, `\`) {
			return fmt.Errorf("the name %q leads out of the archive", entry.Name)
		}
		content, err := entry.Open()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return fmt.Errorf("%s: %w", entry.Name, err)
		}
		if err := content.Close(); err != nil {
			return err
		}
	}
	return look(archive)
}

// One top folder with the plugin's id.
func onePlugin(files fs.FS, id, version, platform string) error {
	if err := topFolder(files, id); err != nil {
		return err
	}
	return pluginFolder(files, id, id, version, platform)
}

func oneBundle(files fs.FS, version, platform string) error {
	top := bundle + "-" + version
	if err := topFolder(files, top); err != nil {
		return err
	}
	for _, wanted := range []string{"LICENSE", "CHANGELOG.md", "docs/install.md", "provisioning/datasources/ktrdr-diagnosis.yaml", "deploy/docker-compose.ktrdr.yaml", "deploy/helm-values.yaml"} {
		if err := full(files, path.Join(top, wanted)); err != nil {
			return err
		}
	}
	return errors.Join(
		pluginFolder(files, path.Join(top, "dist", datasource), datasource, version, platform),
		pluginFolder(files, path.Join(top, "dist", panel), panel, version, platform),
	)
}

func topFolder(files fs.FS, name string) error {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return err
	}
	if len(entries) != 1 || entries[0].Name() != name || !entries[0].IsDir() {
		return fmt.Errorf("it should hold the one folder %s", name)
	}
	return nil
}

func pluginFolder(files fs.FS, folder, id, version, platform string) error {
	text, err := fs.ReadFile(files, path.Join(folder, "plugin.json"))
	if err != nil {
		return err
	}
	var about plugin
	if err := json.Unmarshal(text, &about); err != nil {
		return fmt.Errorf("plugin.json: %w", err)
	}
	if about.ID != id || about.Info.Version != version {
		return fmt.Errorf("plugin.json is that of %s %s", about.ID, about.Info.Version)
	}
	wanted := []string{"module.js", "README.md", "CHANGELOG.md", "LICENSE", about.Info.Logos.Small, about.Info.Logos.Large}
	for _, screenshot := range about.Info.Screenshots {
		wanted = append(wanted, screenshot.Path)
	}
	for _, include := range about.Includes {
		wanted = append(wanted, include.Path)
		if include.Type == "dashboard" {
			if err := dashboard(files, path.Join(folder, include.Path), include.Name); err != nil {
				return err
			}
		}
	}
	for _, name := range wanted {
		if err := full(files, path.Join(folder, name)); err != nil {
			return err
		}
	}
	if about.Backend {
		return executables(files, folder, about.Executable, platform)
	}
	return nil
}

func dashboard(files fs.FS, file, title string) error {
	text, err := fs.ReadFile(files, file)
	if err != nil {
		return fmt.Errorf("plugin.json names %s: %w", file, err)
	}
	var about struct{ Title, UID string }
	if err := json.Unmarshal(text, &about); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if about.Title != title || about.UID == "" {
		return fmt.Errorf("%s is called %q (uid %q), but plugin.json calls it %q", file, about.Title, about.UID, title)
	}
	return nil
}

func full(files fs.FS, name string) error {
	info, err := fs.Stat(files, name)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Size() == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	return nil
}

func executables(files fs.FS, folder, executable, platform string) error {
	found, err := fs.Glob(files, path.Join(folder, "gpx_*"))
	if err != nil {
		return err
	}
	if len(found) == 0 || (platform != "" && len(found) != 1) {
		return fmt.Errorf("it holds %d executables", len(found))
	}
	for _, name := range found {
		of, isOurs := strings.CutPrefix(path.Base(name), executable+"_")
		if of = strings.TrimSuffix(of, ".exe"); !isOurs || (platform != "" && of != platform) {
			return fmt.Errorf("%s is not the executable of %s for %s", name, executable, platform)
		}
		info, err := fs.Stat(files, name)
		if err != nil {
			return err
		}
		if info.Mode()&0o111 != 0o111 {
			return fmt.Errorf("%s is not executable (%s)", name, info.Mode())
		}
	}
	return nil
}

func checksums(folder string, files []string) error {
	list, err := os.Open(filepath.Join(folder, "SHA256SUMS"))
	if err != nil {
		return err
	}
	defer list.Close()
	var listed []string
	for lines := bufio.NewScanner(list); lines.Scan(); {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			return fmt.Errorf("SHA256SUMS: %q is not a line of sha256sum", lines.Text())
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		if real := sha256.Sum256(content); hex.EncodeToString(real[:]) != sum {
			return fmt.Errorf("SHA256SUMS: the sum of %s is another", name)
		}
		listed = append(listed, name)
	}
	slices.Sort(listed)
	slices.Sort(files)
	if !slices.Equal(listed, files) {
		return fmt.Errorf("SHA256SUMS lists %v, but there are %v", listed, files)
	}
	return nil
}
