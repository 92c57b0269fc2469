package validators

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The parts of the values of Grafana's Helm chart that are used here. Any other key is an error.
type helmValues struct {
	Env        map[string]string
	GrafanaIni struct {
		Plugins map[string]string
	} `yaml:"grafana.ini"`
	Datasources          map[string]dataSources
	DashboardProviders   map[string]providers `yaml:"dashboardProviders"`
	DashboardsConfigMaps map[string]string    `yaml:"dashboardsConfigMaps"`
	ExtraConfigmapMounts []struct {
		Name, ConfigMap, MountPath, SubPath string
		ReadOnly                            bool `yaml:"readOnly"`
	} `yaml:"extraConfigmapMounts"`
}

func TestHelmValuesSayTheSameAsTheFiles(t *testing.T) {
	text := string(read(t, "deploy/helm-values.yaml"))
	// Names in the chart that are written in camel case.
	text = strings.NewReplacer("configMap:", "configmap:", "mountPath:", "mountpath:", "subPath:", "subpath:").Replace(text)
	var values helmValues
	strictly(t, "helm-values.yaml", []byte(text), &values)

	version := version(t)
	var ids []string
	for _, entry := range strings.Split(values.Env["GF_PLUGINS_PREINSTALL_SYNC"], ",") {
		parts := strings.Split(entry, "@")
		if len(parts) != 3 || parts[1] != version || !strings.HasPrefix(path.Base(parts[2]), parts[0]+"-"+version) || path.Ext(parts[2]) != ".zip" {
			t.Errorf("%q is not id@%s@address of an archive", entry, version)
		}
		ids = append(ids, parts[0])
	}
	if !slices.Equal(ids, pluginIDs) || values.GrafanaIni.Plugins["allow_loading_unsigned_plugins"] != strings.Join(pluginIDs, ",") {
		t.Errorf("installed %v, allowed %v", ids, values.GrafanaIni.Plugins)
	}

	var ours dataSources
	strictly(t, "ktrdr-diagnosis.yaml", read(t, "provisioning/datasources/ktrdr-diagnosis.yaml"), &ours)
	for name, all := range values.Datasources {
		if len(all.Datasources) != 1 || all.Datasources[0].UID != ours.Datasources[0].UID || all.Datasources[0].Type != ours.Datasources[0].Type {
			t.Errorf("%s: %+v", name, all)
		}
	}
	for name, all := range values.DashboardProviders {
		for _, provider := range all.Providers {
			if provider.Options.Path != "/var/lib/grafana/dashboards/"+provider.Name || values.DashboardsConfigMaps[provider.Name] == "" {
				t.Errorf("%s: the chart does not find the dashboards of %s", name, provider.Name)
			}
		}
	}
	for _, mount := range values.ExtraConfigmapMounts {
		if mount.SubPath != path.Base(mount.MountPath) || !exists(path.Join(repository(t), "provisioning/alerting", mount.SubPath)) {
			t.Errorf("%s is not one of the files in provisioning/alerting", mount.MountPath)
		}
	}
}

// Blocks of YAML in the documentation are valid YAML, and those of Grafana's files have Grafana's format.
func TestYamlInTheDocumentationIsSound(t *testing.T) {
	block := regexp.MustCompile("(?ms)^[ ]*```yaml\n(.*?)^[ ]*```")
	seen := 0
	for _, file := range append(glob(t, "docs/*.md"), glob(t, "README.md")...) {
		for _, found := range block.FindAllStringSubmatch(string(readFile(t, file)), -1) {
			text := []byte(dedent(found[1]))
			var loose map[string]any
			loosely(t, file, text, &loose)
			if _, is := loose["datasources"]; is && loose["apiVersion"] != nil {
				strictly(t, file, text, &dataSources{})
			}
			if _, is := loose["providers"]; is {
				strictly(t, file, text, &providers{})
			}
			seen++
		}
	}
	if seen < 3 {
		t.Errorf("only %d blocks were found", seen)
	}
}

// The page on installing names the archives of this version.
func TestTheDocumentationNamesArchivesOfThisVersion(t *testing.T) {
	named := regexp.MustCompile(`ktrdr-diagnos(?:e|is|is-datasource|is-panel)-(\d+\.\d+\.\d+)`)
	found := named.FindAllStringSubmatch(string(read(t, "docs/install.md")), -1)
	for _, one := range found {
		if one[1] != version(t) {
			t.Errorf("docs/install.md names %s, but this is %s", one[0], version(t))
		}
	}
	if len(found) < 10 {
		t.Errorf("only %d archives are named", len(found))
	}
}

func version(t *testing.T) string {
	t.Helper()
	return regexp.MustCompile(`(?m)^version = "(.*)"$`).FindStringSubmatch(string(read(t, "Cargo.toml")))[1]
}

func dedent(text string) string {
	lines := strings.Split(text, "\n")
	indent := len(lines[0]) - len(strings.TrimLeft(lines[0], " "))
	for i, line := range lines {
		lines[i] = line[min(indent, len(line)-len(strings.TrimLeft(line, " "))):]
	}
	return strings.Join(lines, "\n")
}
