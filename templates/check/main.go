// main.go - holds the rules of CONSTRAINTS.md over the Go files of a pipeline. Usage: check DIR; exit 1 = something was found.
//
// It knows the text and the syntax tree, not the types. That all outside the custom sections equals the template is compared by
// yolodeck itself, before.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// The names of the rules, as CONSTRAINTS.md has them ("outside" is yolodeck's own).
var rules = []string{"syntax", "marker", "file-length", "function-length", "interface", "import", "privilege", "init",
	"directive", "section-package", "concurrency", "ignored-error", "state"}

type finding struct {
	file string
	line int
	rule string
	text string
}

// One Go file with its syntax tree.
type source struct {
	name     string
	text     string
	fset     *token.FileSet
	tree     *ast.File
	sections []section
	out      *[]finding
}

func (s *source) line(pos token.Pos) int { return s.fset.Position(pos).Line }

func (s *source) found(line int, rule, format string, args ...interface{}) {
	*s.out = append(*s.out, finding{s.name, line, rule, fmt.Sprintf(format, args...)})
}

// Inside a custom section?
func (s *source) custom(pos token.Pos) bool {
	at := s.fset.Position(pos).Offset
	for _, sec := range s.sections {
		if at >= sec.from && at < sec.to {
			return true
		}
	}
	return false
}

func (s *source) parse() bool {
	s.fset = token.NewFileSet()
	tree, err := parser.ParseFile(s.fset, s.name, s.text, parser.ParseComments|parser.SkipObjectResolution)
	if err == nil {
		s.tree = tree
		return true
	}
	if list, ok := err.(scanner.ErrorList); ok && len(list) > 0 {
		s.found(list[0].Pos.Line, "syntax", "%s", list[0].Msg)
	} else {
		s.found(1, "syntax", "%s", err)
	}
	return false
}

// All findings of a set of files, by file and line. files: name -> text.
func check(files map[string]string) []finding {
	var out []finding
	var parsed []*source
	for name, text := range files {
		s := &source{name: name, text: text, out: &out}
		if s.parse() {
			parsed = append(parsed, s)
		}
	}
	for _, s := range parsed {
		globals := packageVars(parsed, path.Dir(s.name))
		s.findSections()
		s.wholeFile()
		s.customSections(globals)
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].file != out[j].file {
			return out[i].file < out[j].file
		}
		return out[i].line < out[j].line
	})
	return out
}

// Names below dir: main.go, runtime/run.go.
func read(dir string) (map[string]string, error) {
	files := map[string]string{}
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("there is no Go file in %s", dir)
	}
	more, _ := fs.Glob(os.DirFS(dir), "runtime/*.go")
	for _, name := range append(names, more...) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	return files, err
}

func main() {
	if len(os.Args) != 2 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "usage: check DIR")
		os.Exit(2)
	}
	files, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	all := check(files)
	for _, f := range all {
		fmt.Printf("%s:%d: %s: %s\n", f.file, f.line, f.rule, f.text)
	}
	if len(all) > 0 {
		os.Exit(1)
	}
}
