package validators

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-openapi/strfmt"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-openapi-client-go/models"
	"go.yaml.in/yaml/v3"
)

// The format of datasources/*.yaml, from Grafana's source (pkg/services/provisioning/datasources); there is no package.
type dataSources struct {
	APIVersion        int `yaml:"apiVersion"`
	Prune             bool
	Datasources       []dataSource
	DeleteDatasources []struct {
		Name  string
		OrgID int `yaml:"orgId"`
	} `yaml:"deleteDatasources"`
}

type dataSource struct {
	Name, Type, UID, Access, URL, User, Database string
	OrgID                                        int               `yaml:"orgId"`
	BasicAuth                                    bool              `yaml:"basicAuth"`
	BasicAuthUser                                string            `yaml:"basicAuthUser"`
	WithCredentials                              bool              `yaml:"withCredentials"`
	IsDefault                                    bool              `yaml:"isDefault"`
	JSONData                                     map[string]any    `yaml:"jsonData"`
	SecureJSONData                               map[string]string `yaml:"secureJsonData"`
	Editable                                     bool
	Version                                      int
	Correlations                                 []correlation
}

// Grafana's models of correlations (pkg/services/correlations, and makeCreateCorrelationCommand of the provisioning): label
// and description must be strings. Not all versions accept a type beside `config`; all accept `config.type`.
type correlation struct {
	TargetUID   *string `yaml:"targetUID"`
	Label       *string
	Description *string
	Config      struct {
		Type            string
		Field           string
		Target          map[string]any
		Transformations []struct{ Type, Field, Expression, MapValue string }
	}
}

// The format of dashboards/*.yaml.
type providers struct {
	APIVersion int `yaml:"apiVersion"`
	Providers  []struct {
		Name, Type, Folder    string
		OrgID                 int    `yaml:"orgId"`
		FolderUID             string `yaml:"folderUid"`
		Editable              bool
		DisableDeletion       bool `yaml:"disableDeletion"`
		AllowUIUpdates        bool `yaml:"allowUiUpdates"`
		UpdateIntervalSeconds int  `yaml:"updateIntervalSeconds"`
		Options               struct {
			Path                      string
			FoldersFromFilesStructure bool `yaml:"foldersFromFilesStructure"`
		}
	}
}

var uid = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)

func TestDataSourcesAreAsGrafanaReadsThem(t *testing.T) {
	seen := map[string]bool{}
	defaults := 0
	for _, file := range glob(t, "provisioning/datasources/*.yaml") {
		var all dataSources
		strictly(t, file, readFile(t, file), &all)
		if all.APIVersion != 1 || len(all.Datasources) == 0 {
			t.Errorf("%s: apiVersion %d, %d data sources", file, all.APIVersion, len(all.Datasources))
		}
		for _, source := range all.Datasources {
			if seen[source.Name] || seen["uid "+source.UID] {
				t.Errorf("%s: %s (%s) is there twice", file, source.Name, source.UID)
			}
			seen[source.Name], seen["uid "+source.UID] = true, true
			if source.Type == "" || source.URL == "" || source.Access != "proxy" || !uid.MatchString(source.UID) {
				t.Errorf("%s: %s lacks something: %+v", file, source.Name, source)
			}
			if source.IsDefault {
				defaults++
			}
		}
	}
	if defaults > 1 {
		t.Errorf("Grafana refuses to start with %d default data sources", defaults)
	}
}

// Explore links a Jaeger data source's trace to our diagnosis (acceptance G15).
func TestCorrelationsLeadFromJaegerToTheDiagnosis(t *testing.T) {
	types := map[string]string{}
	var sources []dataSource
	for _, file := range glob(t, "provisioning/datasources/*.yaml") {
		var all dataSources
		strictly(t, file, readFile(t, file), &all)
		for _, source := range all.Datasources {
			types[source.UID] = source.Type
			sources = append(sources, source)
		}
	}
	found := 0
	for _, source := range sources {
		for _, link := range source.Correlations {
			found++
			if link.TargetUID == nil || link.Label == nil || link.Description == nil || *link.Label == "" {
				t.Fatalf("%s: a correlation lacks targetUID, label or description; Grafana does not start", source.Name)
			}
			if source.Type != "jaeger" || types[*link.TargetUID] != "ktrdr-diagnosis-datasource" {
				t.Errorf("%s leads to %s", source.Name, *link.TargetUID)
			}
			// Grafana's Jaeger data source uses this name for the column, in traces and in the results of a search.
			if link.Config.Type != "query" || link.Config.Field != "traceID" {
				t.Errorf("%s: %+v", *link.Label, link.Config)
			}
			id, _ := link.Config.Target["operationId"].(string)
			if link.Config.Target["queryType"] != "diagnosis" || expanded(id) != "${__value.raw}" {
				t.Errorf("%s asks %v", *link.Label, link.Config.Target)
			}
		}
	}
	if found == 0 {
		t.Error("there is no correlation")
	}
}

// A value of a provisioning file as Grafana reads it: `$$` is a `$`, a single `$` starts a variable of the environment.
func expanded(text string) string {
	parts := strings.Split(text, "$$")
	for at, part := range parts {
		parts[at] = os.Expand(part, func(string) string { return "" })
	}
	return strings.Join(parts, "$")
}

func TestDashboardProvidersAreAsGrafanaReadsThem(t *testing.T) {
	names := map[string]bool{}
	for _, file := range append(glob(t, "provisioning/dashboards/*.yaml"), glob(t, "deploy/ktrdr-dashboards.yaml")...) {
		var all providers
		strictly(t, file, readFile(t, file), &all)
		if all.APIVersion != 1 || len(all.Providers) != 1 {
			t.Errorf("%s: apiVersion %d, %d providers", file, all.APIVersion, len(all.Providers))
		}
		for _, provider := range all.Providers {
			names[provider.Name] = true
			if provider.Type != "file" || !filepath.IsAbs(provider.Options.Path) {
				t.Errorf("%s: %+v", file, provider)
			}
		}
	}
	// Grafana rejects two providers with one name, and this is the name of KTRDR's own.
	if names["KTRDR Dashboards"] {
		t.Error("KTRDR's own provider has this name")
	}
}

// Grafana's own types of the classic dashboard model: an unknown key, or a value of another type, is an error.
func TestDashboardsFitGrafanasOwnTypes(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, file := range glob(t, "provisioning/dashboards/*.json") {
		var model dashboard.Dashboard
		if err := model.UnmarshalJSONStrict(readFile(t, file)); err != nil {
			t.Errorf("%s:\n%v", filepath.Base(file), err)
			continue
		}
		if err := model.Validate(); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		if model.Title == nil || *model.Title == "" || model.Uid == nil || !uid.MatchString(*model.Uid) {
			t.Errorf("%s: it needs a title and a uid", filepath.Base(file))
		}
	}
}

// The types with which Grafana exports alert rules to files.
func TestAlertRulesFitGrafanasOwnTypes(t *testing.T) {
	for _, file := range append(glob(t, "provisioning/alerting/*.yaml"), glob(t, "docs/examples/recording-rules.yaml")...) {
		rules := alerting(t, file)
		if rules.APIVersion != 1 || len(rules.Groups) == 0 {
			t.Errorf("%s: apiVersion %d, %d groups", file, rules.APIVersion, len(rules.Groups))
		}
		for _, group := range rules.Groups {
			if group.Folder == "" || group.Name == "" || group.Interval == "" || len(group.Rules) == 0 {
				t.Errorf("%s: group %q lacks something", file, group.Name)
			}
			for _, rule := range group.Rules {
				if !uid.MatchString(rule.UID) || rule.Title == "" || len(rule.Data) == 0 {
					t.Errorf("%s: rule %q lacks something", file, rule.Title)
				}
			}
		}
	}
}

func alerting(t *testing.T, file string) *models.AlertingFileExport {
	t.Helper()
	var loose any
	if err := yaml.Unmarshal(readFile(t, file), &loose); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	text, err := json.Marshal(loose)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var rules models.AlertingFileExport
	if err := decoder.Decode(&rules); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	// Grafana has accepted KeepLast since 10.4, but this list of its export does not contain it.
	kept := map[*models.AlertRuleExport]bool{}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.ExecErrState == "KeepLast" {
				kept[rule], rule.ExecErrState = true, "Error"
			}
		}
	}
	if err := rules.Validate(strfmt.Default); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for rule := range kept {
		rule.ExecErrState = "KeepLast"
	}
	return &rules
}

// The environment variables that the files under a folder refer to.
func variables(t *testing.T, folder string) []string {
	t.Helper()
	reference := regexp.MustCompile(`\$\{?([A-Z][A-Z0-9_]+)\}?`)
	var found []string
	for _, file := range glob(t, filepath.Join(folder, "*.yaml")) {
		for _, match := range reference.FindAllSubmatch(readFile(t, file), -1) {
			found = append(found, string(match[1]))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
