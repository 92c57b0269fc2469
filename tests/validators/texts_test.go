package validators

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"text/template"
)

// What Grafana offers to the texts of alert rules, as far as they use it (its template reference).
func functions(address string) template.FuncMap {
	return template.FuncMap{
		"externalURL": func() string { return address },
		"humanize":    func(value float64) string { return fmt.Sprintf("%.4g", value) },
		"reReplaceAll": func(pattern, replacement, text string) string {
			return regexp.MustCompile(pattern).ReplaceAllString(text, replacement)
		},
	}
}

type value struct{ Value float64 }

// The texts of alert rules are Go templates: each is filled in with the labels that its query has, and the link that comes
// of it is an address, however Grafana's own address is written.
func TestTextsOfAlertRulesAreTemplates(t *testing.T) {
	for _, file := range glob(t, "provisioning/alerting/*.yaml") {
		for _, group := range alerting(t, file).Groups {
			for _, rule := range group.Rules {
				labels := labelsOf(t, rule.Data[0].Model)
				for _, address := range []string{"https://example.com/grafana/", "https://example.com/grafana"} {
					texts := map[string]string{}
					for name, text := range rule.Annotations {
						texts[name] = filled(t, rule.Title+"/"+name, text, address, labels)
					}
					isDashboard(t, rule.Title, texts["dashboard"])
					both := texts["summary"] + texts["description"]
					for _, label := range labels {
						if !strings.Contains(both, label) {
							t.Errorf("%s does not name %s: %s", rule.Title, label, both)
						}
					}
				}
			}
		}
	}
}

// A label for each column that the query groups by.
func labelsOf(t *testing.T, model any) map[string]string {
	t.Helper()
	text, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	var query struct{ GroupBy []string }
	if err := json.Unmarshal(text, &query); err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{}
	for _, column := range query.GroupBy {
		labels[column] = "some_" + column
	}
	return labels
}

func filled(t *testing.T, name, text, address string, labels map[string]string) string {
	t.Helper()
	// What Grafana puts before each text.
	text = "{{- $labels := .Labels -}}{{- $values := .Values -}}" + text
	parsed, err := template.New(name).Option("missingkey=error").Funcs(functions(address)).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	data := map[string]any{"Labels": labels, "Values": map[string]value{"A": {3}}}
	if err := parsed.Execute(&out, data); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func isDashboard(t *testing.T, title, address string) {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil || parsed.Path != "/grafana/d/ktrdr-diagnosis" || strings.ContainsAny(address, " \n{") {
		t.Errorf("%s: %q is not a dashboard (%v)", title, address, err)
	}
}
