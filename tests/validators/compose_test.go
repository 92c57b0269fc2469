package validators

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// Loads and merges compose files as `docker compose -f first -f second` does: paths are relative to the first file's folder.
func compose(environment map[string]string, files ...string) (*types.Project, error) {
	var configs []types.ConfigFile
	for _, file := range files {
		configs = append(configs, types.ConfigFile{Filename: file})
	}
	details := types.ConfigDetails{WorkingDir: filepath.Dir(files[0]), ConfigFiles: configs, Environment: environment}
	return loader.LoadWithContext(context.Background(), details, func(options *loader.Options) {
		options.SetProjectName("test", false)
	})
}

func TestTheDemonstrationsStackHoldsTogether(t *testing.T) {
	top := repository(t)
	project, err := compose(nil, filepath.Join(top, "docker-compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]string{}
	for name, service := range project.Services {
		checkMounts(t, service, top)
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s can be reached from other machines (%q)", name, port.Published, port.HostIP)
			}
			if other, taken := published[port.Published]; taken {
				t.Errorf("%s and %s both publish %s", name, other, port.Published)
			}
			published[port.Published] = name
		}
		if service.Build != nil {
			if !slices.Contains(stageNames(t), service.Build.Target) {
				t.Errorf("%s: the Dockerfile has no target %q", name, service.Build.Target)
			}
		} else if _, tag, _ := strings.Cut(service.Image, ":"); tag == "" || tag == "latest" {
			t.Errorf("%s: the image %s has no fixed version", name, service.Image)
		}
		for dependency := range service.DependsOn {
			if _, there := project.Services[dependency]; !there {
				t.Errorf("%s depends on %s, which is not there", name, dependency)
			}
		}
	}
	if want := []string{"grafana", "jaeger", "prometheus", "simulation"}; !slices.Equal(project.ServiceNames(), want) {
		t.Errorf("services: %v", project.ServiceNames())
	}
	checkGrafana(t, project, variables(t, "provisioning/datasources"))

	// As cmd/emptyroot runs it.
	if command := strings.Join(project.Services["simulation"].Command, " "); command != "demo --feed http://jaeger:4318 --metrics 0.0.0.0" {
		t.Errorf("simulation: %s", command)
	}
	// Every address in the arguments is a service's name and a port on which it listens.
	for _, argument := range project.Services["simulation"].Command {
		if strings.Contains(argument, "://") {
			checkAddress(t, project, argument, "4318")
		}
	}
	for _, target := range scraped(t) {
		host, _, err := net.SplitHostPort(target)
		if err != nil || !slices.Contains(namesOf(project.Services["simulation"]), host) {
			t.Errorf("Prometheus asks %s, which the simulation is not called (%v)", target, err)
		}
	}
}

func TestAnOverlayAddsToKtrdrsOwnStack(t *testing.T) {
	top := repository(t)
	own := filepath.Join(top, "tests/validators/testdata/ktrdr/deploy/environments/local/docker-compose.yml")
	overlay := filepath.Join(top, "deploy/docker-compose.ktrdr.yaml")

	if _, err := compose(nil, own, overlay); err == nil || !strings.Contains(err.Error(), "KTRDR_DIAGNOSIS_DIR") {
		t.Errorf("without its variable it should ask for it, not: %v", err)
	}
	before, err := compose(nil, own)
	if err != nil {
		t.Fatal(err)
	}
	after, err := compose(map[string]string{"KTRDR_DIAGNOSIS_DIR": top}, own, overlay)
	if err != nil {
		t.Fatal(err)
	}

	// Everything that existed before still exists.
	if !slices.Equal(before.ServiceNames(), after.ServiceNames()) {
		t.Errorf("services: %v became %v", before.ServiceNames(), after.ServiceNames())
	}
	was, is := before.Services["grafana"], after.Services["grafana"]
	for name, value := range was.Environment {
		if now := is.Environment[name]; now == nil || *now != *value {
			t.Errorf("grafana: %s was changed", name)
		}
	}
	for _, mount := range was.Volumes {
		if !slices.ContainsFunc(is.Volumes, func(other types.ServiceVolumeConfig) bool {
			return other.Target == mount.Target && other.Source == mount.Source
		}) {
			t.Errorf("grafana: %s is no longer mounted", mount.Target)
		}
	}
	for _, mount := range is.Volumes {
		if mount.Type == types.VolumeTypeBind && !mount.ReadOnly {
			t.Errorf("grafana: %s can be written to", mount.Target)
		}
	}
	checkMounts(t, is, top)
	checkGrafana(t, after, []string{"KTRDR_JAEGER_URL"})
	for _, id := range pluginIDs {
		if source := mounted(is, "/var/lib/grafana/plugins/"+id); source != filepath.Join(top, "dist", id) {
			t.Errorf("grafana: %s is mounted from %q", id, source)
		}
	}

	// Grafana sees each uid and each provider once, and data sources of KTRDR only as KTRDR has them.
	uids := map[string]string{}
	for _, folder := range []string{"/var/lib/grafana/dashboards", "/var/lib/grafana/ktrdr-diagnosis"} {
		for name, source := range visible(t, is, folder) {
			var dashboard struct{ UID string }
			if err := json.Unmarshal(readFile(t, source), &dashboard); err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			if other, taken := uids[dashboard.UID]; taken {
				t.Errorf("%s and %s have the uid %s", name, other, dashboard.UID)
			}
			uids[dashboard.UID] = source
		}
	}
	for _, file := range glob(t, "provisioning/dashboards/*.json") {
		if !slices.Contains(values(uids), file) {
			t.Errorf("%s is not to be seen", file)
		}
	}
	seen := map[string]bool{}
	for _, source := range visible(t, is, "/etc/grafana/provisioning/datasources") {
		var all dataSources
		strictly(t, source, readFile(t, source), &all)
		for _, one := range all.Datasources {
			if seen[one.UID] {
				t.Errorf("the data source %s is there twice", one.UID)
			}
			seen[one.UID] = true
		}
	}
	for _, uid := range []string{"prometheus", "jaeger", "ktrdr-diagnosis"} {
		if !seen[uid] {
			t.Errorf("the data source %s is missing", uid)
		}
	}
	paths := map[string]bool{}
	for _, source := range visible(t, is, "/etc/grafana/provisioning/dashboards") {
		var all providers
		strictly(t, source, readFile(t, source), &all)
		for _, provider := range all.Providers {
			if paths[provider.Name] || paths[provider.Options.Path] {
				t.Errorf("the provider %s (%s) is there twice", provider.Name, provider.Options.Path)
			}
			paths[provider.Name], paths[provider.Options.Path] = true, true
		}
	}
	for _, folder := range []string{"/var/lib/grafana/dashboards", "/var/lib/grafana/ktrdr-diagnosis"} {
		if !paths[folder] {
			t.Errorf("no provider reads %s", folder)
		}
	}
}

var pluginIDs = []string{"ktrdr-diagnosis-datasource", "ktrdr-diagnosis-panel"}

// What each Grafana needs: the plugins are allowed, and every variable of its data sources is set to an existing address.
func checkGrafana(t *testing.T, project *types.Project, wanted []string) {
	t.Helper()
	grafana := project.Services["grafana"]
	allowed := ""
	if value := grafana.Environment["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"]; value != nil {
		allowed = *value
	} else {
		for _, stage := range stages(t) {
			if stage.Name == "grafana" {
				allowed = environment(stage)["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"]
			}
		}
	}
	// With a space after the comma, Grafana would reject the second plugin.
	if allowed != strings.Join(pluginIDs, ",") {
		t.Errorf("grafana: unsigned plugins allowed: %q", allowed)
	}
	ports := map[string]string{"KTRDR_JAEGER_URL": "16686", "KTRDR_PROMETHEUS_URL": "9090"}
	for _, name := range wanted {
		if value := grafana.Environment[name]; value == nil {
			t.Errorf("grafana: the data sources want %s", name)
		} else if name == "KTRDR_HISTORY" {
			checkHistory(t, grafana, *value)
		} else {
			checkAddress(t, project, *value, ports[name])
		}
	}
}

// The folder of SQLite files is kept when the container is replaced.
func checkHistory(t *testing.T, grafana types.ServiceConfig, kind string) {
	t.Helper()
	if !slices.Contains([]string{"", "memory", "sqlite", "postgres"}, kind) {
		t.Errorf("grafana: there is no history %q", kind)
	}
	if kind != "sqlite" {
		return
	}
	folder := grafana.Environment["GF_PLUGIN_HISTORY_DIR"]
	isKept := func(mount types.ServiceVolumeConfig) bool {
		return mount.Type == types.VolumeTypeVolume && strings.HasPrefix(*folder, mount.Target+"/")
	}
	if folder == nil || !slices.ContainsFunc(grafana.Volumes, isKept) {
		t.Error("grafana: the folder of the history is on no volume")
	}
}

func checkAddress(t *testing.T, project *types.Project, address, port string) {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Errorf("%s: %v", address, err)
		return
	}
	if _, there := project.Services[parsed.Hostname()]; !there || parsed.Port() != port {
		t.Errorf("%s: no service listens there", address)
	}
}

// Targets are unique; sources exist (dist/ only after `make dist`). A mount inside a read-only mount needs an existing mount
// point, because Docker cannot create one there.
func checkMounts(t *testing.T, service types.ServiceConfig, top string) {
	t.Helper()
	targets := map[string]bool{}
	for _, mount := range service.Volumes {
		if targets[mount.Target] {
			t.Errorf("%s: %s is mounted twice", service.Name, mount.Target)
		}
		targets[mount.Target] = true
		if mount.Type != types.VolumeTypeBind {
			continue
		}
		if !exists(mount.Source) && !strings.HasPrefix(mount.Source, filepath.Join(top, "dist")+"/") {
			t.Errorf("%s: %s is mounted from %s, which does not exist", service.Name, mount.Target, mount.Source)
		}
		for _, outer := range service.Volumes {
			if inner, below := strings.CutPrefix(mount.Target, outer.Target+"/"); below && outer.ReadOnly && !exists(filepath.Join(outer.Source, inner)) {
				t.Errorf("%s: nothing in %s that %s could be mounted over", service.Name, outer.Source, mount.Target)
			}
		}
	}
}

func mounted(service types.ServiceConfig, target string) string {
	for _, mount := range service.Volumes {
		if mount.Target == target {
			return mount.Source
		}
	}
	return ""
}

// The files of a folder in a container, each with the file that is mounted there.
func visible(t *testing.T, service types.ServiceConfig, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	if source := mounted(service, folder); source != "" {
		files, err := filepath.Glob(filepath.Join(source, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			found[filepath.Base(file)] = file
		}
	}
	for _, mount := range service.Volumes {
		if filepath.Dir(mount.Target) == folder {
			found[filepath.Base(mount.Target)] = mount.Source
		}
	}
	if len(found) == 0 {
		t.Errorf("nothing is in %s", folder)
	}
	return found
}

// The names by which other containers reach a service.
func namesOf(service types.ServiceConfig) []string {
	names := []string{service.Name}
	for _, network := range service.Networks {
		if network != nil {
			names = append(names, network.Aliases...)
		}
	}
	return names
}

func scraped(t *testing.T) []string {
	t.Helper()
	var config struct {
		ScrapeConfigs []struct {
			JobName       string                       `yaml:"job_name"`
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	loosely(t, "deploy/prometheus.yml", read(t, "deploy/prometheus.yml"), &config)
	var targets []string
	for _, job := range config.ScrapeConfigs {
		for _, static := range job.StaticConfigs {
			targets = append(targets, static.Targets...)
		}
	}
	if len(targets) < 5 {
		t.Errorf("Prometheus asks only %v", targets)
	}
	return targets
}

func values(from map[string]string) []string {
	var all []string
	for _, value := range from {
		all = append(all, value)
	}
	return all
}
