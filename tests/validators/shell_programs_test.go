package validators

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// Commands that run another command given as arguments, and their options that take a value.
var wrappers = map[string][]string{
	"command": nil, "env": {"-u"}, "exec": nil, "nice": {"-n"}, "sudo": nil, "time": nil, "type": nil, "xargs": {"-n"},
}

var builtins = strings.Fields(`: . [ [[ alias bg break builtin cd continue declare disown echo eval exit export false fg getopts
	hash help jobs let local mapfile popd printf pushd pwd read readarray readonly return set shift shopt source test trap
	true type ulimit umask unalias unset wait`)

// A shellScript is a parsed script with what is needed to find the programs it calls.
type shellScript struct {
	functions map[string]*syntax.Stmt
	arrays    map[string][][]*syntax.Word
	lookedUp  map[string]bool
	called    map[string]bool
	unclear   []string
}

// The programs that a shell script calls, without the shell's own commands, the script's functions and paths. A command
// whose name is only known at run time is reported as unclear unless the script itself shows what it is.
func shellPrograms(name, text string) (programs, unclear []string, err error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name)
	if err != nil {
		return nil, nil, err
	}
	script := shellScript{
		functions: map[string]*syntax.Stmt{},
		arrays:    map[string][][]*syntax.Word{},
		lookedUp:  map[string]bool{},
		called:    map[string]bool{},
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		switch node := node.(type) {
		case *syntax.FuncDecl:
			script.functions[node.Name.Value] = node.Body
		case *syntax.Assign:
			if node.Array != nil {
				var words []*syntax.Word
				for _, element := range node.Array.Elems {
					words = append(words, element.Value)
				}
				script.arrays[node.Name.Value] = append(script.arrays[node.Name.Value], words)
			}
			if node.Value != nil && strings.Contains(source(node.Value), "command -v ") {
				script.lookedUp[`"$`+node.Name.Value+`"`] = true
			}
		}
		return true
	})
	syntax.Walk(file, func(node syntax.Node) bool {
		if call, ok := node.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			script.command(call.Args)
		}
		return true
	})
	for program := range script.called {
		programs = append(programs, program)
	}
	slices.Sort(programs)
	return programs, script.unclear, nil
}

// Records the program of one command.
func (s *shellScript) command(words []*syntax.Word) {
	if len(words) == 0 {
		return
	}
	name, known := literal(words[0])
	switch {
	case !known:
		s.computed(words)
	case strings.HasPrefix(name, "/usr/") || strings.HasPrefix(name, "/bin/"):
		s.called[name[strings.LastIndex(name, "/")+1:]] = true
	case strings.Contains(name, "/") || strings.Contains(name, "="):
		// A script of this repository, or a program built from it.
	case s.functions[name] != nil:
		s.arguments(s.functions[name], words[1:])
	default:
		s.program(name, words[1:])
	}
}

func (s *shellScript) program(name string, arguments []*syntax.Word) {
	if !slices.Contains(builtins, name) && name != "command" && name != "exec" && name != "time" {
		s.called[name] = true
	}
	if options, ok := wrappers[name]; ok {
		command := wrapped(arguments, options)
		if asks := name == "command" || name == "type"; asks && len(command) > 0 {
			if _, known := literal(command[0]); !known {
				return
			}
		}
		s.command(command)
	}
	switch first := words(arguments); name {
	case "cargo":
		if subcommand := slices.IndexFunc(first, isWord); subcommand >= 0 {
			s.called["cargo "+first[subcommand]] = true
		}
	case "sh", "bash":
		if len(first) > 1 && first[0] == "-c" {
			s.nested(first[1])
		}
	case "trap":
		if len(first) > 0 {
			s.nested(first[0])
		}
	case "find":
		if exec := slices.Index(first, "-exec"); exec >= 0 {
			s.command(arguments[exec+1:])
		}
	}
}

func (s *shellScript) nested(text string) {
	programs, unclear, err := shellPrograms("nested", text)
	if err != nil {
		s.unclear = append(s.unclear, text)
	}
	for _, program := range programs {
		if s.functions[program] == nil {
			s.called[program] = true
		}
	}
	s.unclear = append(s.unclear, unclear...)
}

// A command whose first word is an expansion: an array of the script, a path that ends in a name, or arguments of a function.
func (s *shellScript) computed(words []*syntax.Word) {
	text := source(words[0])
	array, isArray := strings.CutSuffix(strings.TrimPrefix(text, `"${`), `[@]}"`)
	switch {
	case isArray && s.arrays[array] != nil:
		for _, elements := range s.arrays[array] {
			s.command(slices.Concat(elements, words[1:]))
		}
	case strings.Contains(text, "/"), text == `"$@"`, text == `"$1"`:
		// A path to a program built here; a function's arguments are checked at its calls.
	case s.lookedUp[text], strings.Contains(text, "$(command -v "):
		// The walk finds the program where it is looked up (`command -v`).
	default:
		s.unclear = append(s.unclear, text)
	}
}

// A function that runs its arguments: those from the first that it has not shifted away are a command.
func (s *shellScript) arguments(body *syntax.Stmt, words []*syntax.Word) {
	shifted, runs := 0, false
	syntax.Walk(body, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 || runs {
			return true
		}
		first, _ := literal(call.Args[0])
		if first == "shift" {
			shifted++
		}
		command := call.Args
		if options, ok := wrappers[first]; ok {
			command = wrapped(call.Args[1:], options)
		}
		runs = len(command) > 0 && (source(command[0]) == `"$@"` || source(command[0]) == `"$1"`)
		return true
	})
	if runs && shifted < len(words) {
		s.command(words[shifted:])
	}
}

// What a wrapper runs: its arguments without options, their values and assignments.
func wrapped(arguments []*syntax.Word, withValue []string) []*syntax.Word {
	for len(arguments) > 0 {
		text, known := literal(arguments[0])
		switch {
		case known && slices.Contains(withValue, text) && len(arguments) > 1:
			arguments = arguments[2:]
		case strings.HasPrefix(source(arguments[0]), "-"), !known && strings.Contains(source(arguments[0]), "="), strings.Contains(text, "="):
			arguments = arguments[1:]
		default:
			return arguments
		}
	}
	return nil
}

// The text of a word without expansions.
func literal(word *syntax.Word) (string, bool) {
	var text strings.Builder
	for _, part := range word.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			text.WriteString(part.Value)
		case *syntax.SglQuoted:
			text.WriteString(part.Value)
		case *syntax.DblQuoted:
			inner, known := literal(&syntax.Word{Parts: part.Parts})
			if !known {
				return "", false
			}
			text.WriteString(inner)
		default:
			return "", false
		}
	}
	return text.String(), true
}

func words(all []*syntax.Word) []string {
	texts := make([]string, len(all))
	for nth, word := range all {
		texts[nth], _ = literal(word)
	}
	return texts
}

func isWord(text string) bool {
	return text != "" && !strings.HasPrefix(text, "-") && !strings.HasPrefix(text, "+")
}

func source(node syntax.Node) string {
	var text strings.Builder
	if err := syntax.NewPrinter().Print(&text, node); err != nil {
		return fmt.Sprint(err)
	}
	return text.String()
}

func TestProgramsOfAShellScript(t *testing.T) {
	for _, test := range []struct{ text, programs, unclear string }{
		{`cd x && if ! jq -r .a b | grep -q c; then echo no; fi`, "grep jq", ""},
		{`x=$(sed p f) y="$(head -n 1 <(sort f))"`, "head sed sort", ""},
		{`A=b nice -n 10 env -u C D=$e go build`, "env go nice", ""},
		{`part() { local name=$1; shift; "$@" | tee log; }; part 'x y' cargo test --locked`, "cargo cargo test tee", ""},
		{`as_root() { sudo -n "$@"; }; as_root apt-get update`, "apt-get sudo", ""},
		{`cargo +nightly fuzz run x; cargo "$@"`, "cargo cargo fuzz", ""},
		{`sh -c 'zip a b'; trap 'rm -rf "$x"' EXIT; find . -exec touch {} +`, "find rm sh touch zip", ""},
		{`enter=(env); [ x ] || enter=(sudo env); "${enter[@]}" dpkg -l`, "dpkg env sudo", ""},
		{`c=$(command -v chroot); "$c" /; command -v gone >/dev/null; type "$x"`, "chroot gone", ""},
		{`scripts/dist.sh; "$x/bin/y"; /usr/bin/chromium --version; ./z`, "chromium", ""},
		{`"$tool" --version`, "", `"$tool"`},
		{"cat <<'E'\nnot a command\nE", "cat", ""},
	} {
		programs, unclear, err := shellPrograms("test", test.text)
		if err != nil || strings.Join(programs, " ") != test.programs || strings.Join(unclear, " ") != test.unclear {
			t.Errorf("%s: programs %q, unclear %q, %v", test.text, programs, unclear, err)
		}
	}
}
