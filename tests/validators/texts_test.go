package validators

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/template"
)

// The functions and values that Grafana provides to the texts of alert rules, as far as they use them (its template reference).
func functions(address string) template.FuncMap {
	return template.FuncMap{
		"externalURL": func() string { return address },
		// Grafana converts any value to a number; without a value that fails.
		"humanize": func(of any) (string, error) {
			number, ok := of.(float64)
			if !ok {
				return "", fmt.Errorf("can't convert %v to float", of)
			}
			return fmt.Sprintf("%.4g", number), nil
		},
		"reReplaceAll": func(pattern, replacement, text string) string {
			return regexp.MustCompile(pattern).ReplaceAllString(text, replacement)
		},
	}
}

type value struct{ Value float64 }

// The data that Grafana passes to a text.
type filling struct {
	Labels map[string]string
	Values map[string]value
}

// A rule of a file, with the columns that its query groups by.
type annotated struct {
	title   string
	texts   map[string]string
	columns []string
}

// The texts of alert rules are Go templates. Each is rendered with the labels of its query, and the resulting link is a valid
// URL, however Grafana's own URL is written.
func TestTextsOfAlertRulesAreTemplates(t *testing.T) {
	for _, rule := range rulesOf(t, glob(t, "provisioning/alerting/*.yaml")) {
		labels := labelsFor(rule.columns)
		for _, address := range []string{"https://example.com/grafana/", "https://example.com/grafana"} {
			texts := map[string]string{}
			for name, text := range rule.texts {
				with := filling{Labels: labels, Values: map[string]value{"A": {3}}}
				texts[name] = filled(t, rule.title+"/"+name, text, address, "missingkey=error", with)
			}
			isDashboard(t, rule.title, texts["dashboard"])
			said := texts["summary"] + texts["description"]
			for _, label := range labels {
				if !strings.Contains(said, label) {
					t.Errorf("%s does not say %s: %s", rule.title, label, said)
				}
			}
		}
	}
}

// Grafana also renders the texts while the query has no data (then neither values nor the query's labels exist) and while a
// number is missing. If a text fails, Grafana shows the raw template and logs an error at each evaluation (acceptance G8). This
// applies to the bundled rules and to the examples of the documentation.
func TestTextsOfAlertRulesAreFilledWithoutData(t *testing.T) {
	files := append(glob(t, "provisioning/alerting/*.yaml"), glob(t, "docs/examples/*.yaml")...)
	rules := append(rulesOf(t, files), examplesOf(t, glob(t, "docs/*.md"))...)
	examples := 0
	for _, rule := range rules {
		for _, with := range []filling{
			{},
			{Labels: map[string]string{"datasource_uid": "ktrdr-diagnosis", "ref_id": "A"}},
			{Labels: labelsFor(rule.columns)},
			{Labels: labelsFor(rule.columns), Values: map[string]value{"B": {1}}},
			{Labels: labelsFor(rule.columns), Values: map[string]value{"A": {math.NaN()}}},
		} {
			for name, text := range rule.texts {
				full := filled(t, rule.title+"/"+name, text, "https://example.com/grafana", "missingkey=default", with)
				if strings.TrimSpace(full) == "" {
					t.Errorf("%s/%s is empty with %+v", rule.title, name, with)
				}
				if strings.Contains(full, "<no value>") {
					t.Errorf("%s/%s with %+v: %s", rule.title, name, with, full)
				}
				if name == "dashboard" {
					isDashboard(t, rule.title, full)
				}
			}
		}
		if strings.HasSuffix(rule.title, ".md") {
			examples++
		}
	}
	if examples == 0 {
		t.Error("docs/alerting.md shows no text of a rule")
	}
}

// The rules of provisioning files that have texts.
func rulesOf(t *testing.T, files []string) []annotated {
	t.Helper()
	var rules []annotated
	for _, file := range files {
		for _, group := range alerting(t, file).Groups {
			for _, rule := range group.Rules {
				rules = append(rules, annotated{rule.Title, rule.Annotations, columnsOf(t, rule.Data[0].Model)})
			}
		}
	}
	return rules
}

// The code blocks in pages that are texts of rules.
func examplesOf(t *testing.T, pages []string) []annotated {
	t.Helper()
	block := regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
	label := regexp.MustCompile(`\$labels\.(\w+)`)
	var found []annotated
	for _, page := range pages {
		for at, match := range block.FindAllSubmatch(readFile(t, page), -1) {
			text := string(match[1])
			if strings.Contains(text, "$values") || strings.Contains(text, "$labels") {
				var columns []string
				for _, named := range label.FindAllStringSubmatch(text, -1) {
					columns = append(columns, named[1])
				}
				texts := map[string]string{fmt.Sprintf("block %d", at): text}
				found = append(found, annotated{filepath.Base(page), texts, columns})
			}
		}
	}
	return found
}

// The columns that a query groups by.
func columnsOf(t *testing.T, model any) []string {
	t.Helper()
	text, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	var query struct{ GroupBy []string }
	if err := json.Unmarshal(text, &query); err != nil {
		t.Fatal(err)
	}
	return query.GroupBy
}

// A label for each column.
func labelsFor(columns []string) map[string]string {
	labels := map[string]string{}
	for _, column := range columns {
		labels[column] = "some_" + column
	}
	return labels
}

func filled(t *testing.T, name, text, address, missing string, with filling) string {
	t.Helper()
	// The text that Grafana prepends.
	text = "{{- $labels := .Labels -}}{{- $values := .Values -}}" + text
	parsed, err := template.New(name).Option(missing).Funcs(functions(address)).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := parsed.Execute(&out, with); err != nil {
		t.Errorf("%s with %+v: %v", name, with, err)
	}
	return out.String()
}

func isDashboard(t *testing.T, title, address string) {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil || parsed.Path != "/grafana/d/ktrdr-diagnosis" || strings.ContainsAny(address, " \n{<") {
		t.Errorf("%s: %q is not a dashboard's address (%v)", title, address, err)
	}
}
