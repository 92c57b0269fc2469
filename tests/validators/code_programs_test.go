package validators

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Programs that code starts: by a name in the source, or by an expression, which this test cannot evaluate.
type startedPrograms struct{ named, expressions []string }

var (
	// Executables of this package, and scripts.
	ours     = regexp.MustCompile(`CARGO_BIN_EXE_|"scripts/[a-z-]+\.sh"`)
	ofSystem = regexp.MustCompile(`^/(usr/|s?bin/)`)
)

func (s *startedPrograms) add(argument string) {
	argument = strings.TrimSpace(argument)
	quote := argument[:min(1, len(argument))]
	name := strings.Trim(argument, quote)
	switch {
	case ours.MatchString(argument):
	case quote == "" || !strings.Contains("\"'`", quote):
		s.expressions = append(s.expressions, argument)
	case !strings.HasPrefix(name, "/") || ofSystem.MatchString(name):
		s.named = append(s.named, name[strings.LastIndex(name, "/")+1:])
	}
}

// The first argument of a call, given the text after its opening parenthesis.
func firstArgument(text string) string {
	depth, quoted := 0, false
	for nth, letter := range text {
		switch {
		case letter == '"' && (nth == 0 || text[nth-1] != '\\'):
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("([{", letter):
			depth++
		case strings.ContainsRune(")]}", letter) && depth > 0:
			depth--
		case strings.ContainsRune(",)", letter) && depth == 0:
			return text[:nth]
		}
	}
	return text
}

var rustStart = regexp.MustCompile(`\bCommand::new\(`)

func rustPrograms(text string) startedPrograms {
	var found startedPrograms
	for _, at := range rustStart.FindAllStringIndex(text, -1) {
		found.add(firstArgument(text[at[1]:]))
	}
	return found
}

var (
	nodeStart   = regexp.MustCompile(`\b(?:spawn|spawnSync|exec|execSync|execFile|execFileSync)\(`)
	nodeProgram = regexp.MustCompile(`['"` + "`" + `](/usr/(?:local/)?s?bin/[\w.-]+|/s?bin/[\w.-]+)['"` + "`" + `]`)
)

func nodePrograms(text string) startedPrograms {
	var found startedPrograms
	if strings.Contains(text, "child_process") {
		for _, at := range nodeStart.FindAllStringIndex(text, -1) {
			if at[0] == 0 || text[at[0]-1] != '.' {
				found.add(firstArgument(text[at[1]:]))
			}
		}
	}
	for _, match := range nodeProgram.FindAllStringSubmatch(text, -1) {
		found.add("'" + match[1] + "'")
	}
	return found
}

func goPrograms(name, text string) (startedPrograms, error) {
	var found startedPrograms
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, 0)
	if err != nil {
		return found, err
	}
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		function, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		position := slices.Index([]string{"exec.Command", "exec.LookPath", "exec.CommandContext"}, qualified(function))
		if position < 0 {
			return true
		}
		argument := call.Args[position/2]
		if value, ok := argument.(*ast.BasicLit); ok {
			name, err := strconv.Unquote(value.Value)
			if err == nil {
				found.add(strconv.Quote(name))
				return true
			}
		}
		found.add(text[files.Position(argument.Pos()).Offset:files.Position(argument.End()).Offset])
		return true
	})
	return found, nil
}

// A selector as written: package or variable, and name.
func qualified(selector *ast.SelectorExpr) string {
	if of, ok := selector.X.(*ast.Ident); ok {
		return of.Name + "." + selector.Sel.Name
	}
	return ""
}

func TestProgramsThatCodeStarts(t *testing.T) {
	rust := rustPrograms(`Command::new("kill").args(x); Command::new( root().join("a, b") ); Command::new(env!("CARGO_BIN_EXE_x"))`)
	node := nodePrograms(`import { spawn } from 'node:child_process'; spawn('git', []); spawn(built('x'), []); /a/.exec(b); const c = '/usr/bin/chromium';`)
	source := "package a\nfunc b() { exec.Command(\"git\", \"x\"); exec.CommandContext(ctx, `ls`); exec.LookPath(\"jq\"); exec.Command(self, x) }"
	golang, err := goPrograms("a.go", source)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		found              startedPrograms
		named, expressions string
	}{
		{rust, "kill", `root().join("a, b")`},
		{node, "git chromium", "built('x')"},
		{golang, "git ls jq", "self"},
	} {
		named, expressions := strings.Join(test.found.named, " "), strings.Join(test.found.expressions, "|")
		if named != test.named || expressions != test.expressions {
			t.Errorf("named %s, expressions %s", named, expressions)
		}
	}
}
