package validators

import (
	"path/filepath"
	"regexp"
	"testing"
)

// All pages give the same oldest supported version of Jaeger (review B19: the data source's own page gave another one).
func TestPagesAgreeOnTheOldestJaeger(t *testing.T) {
	sentence := regexp.MustCompile(`Jaeger v?(\d+\.\d+) (?:or|and) later`)
	pages := []string{"README.md", "docs/install.md", "docs/compatibility.md", "frontend/src/datasource/README.md"}
	for _, page := range pages {
		if !sentence.Match(read(t, page)) {
			t.Errorf("%s does not say which Jaeger it takes", page)
		}
	}
	for _, page := range append(append(glob(t, "*.md"), glob(t, "docs/*.md")...), glob(t, "frontend/src/*/README.md")...) {
		for _, match := range sentence.FindAllSubmatch(readFile(t, page), -1) {
			if string(match[1]) != "1.35" {
				t.Errorf("%s: %s", filepath.Base(page), match[0])
			}
		}
	}
}
