// whole.go - the rules that hold in every line of the pipeline, ours and the user's.
package main

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

const (
	maxFile     = 200
	maxFunction = 50
)

// What a pipeline may import. Not here, so refused: reflect, unsafe, plugin, "C", and all that is not needed to talk to Dagger.
var allowed = map[string]bool{}

func init() {
	for _, path := range strings.Fields(`archive/tar bufio bytes cmp context crypto/rand encoding/base64 encoding/binary
		encoding/hex encoding/json errors fmt io io/fs maps math net net/http net/url os os/exec os/signal path
		path/filepath regexp runtime slices sort strconv strings sync sync/atomic syscall time unicode/utf8
		golang.org/x/sys/unix dagger.io/dagger dagger.io/dagger/dag go.opentelemetry.io/otel/trace yolodeck.pipeline/runtime`) {
		allowed[path] = true
	}
}

var privileges = []string{"ExperimentalPrivilegedNesting", "InsecureRootCapabilities"}

func (s *source) wholeFile() {
	if lines := strings.Count(s.text, "\n"); lines > maxFile {
		s.found(maxFile+1, "file-length", "the file has %d lines, more than %d", lines, maxFile)
	}
	for _, imp := range s.tree.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil || !allowed[path] {
			s.found(s.line(imp.Pos()), "import", "%s is not on the list of what a pipeline may import", imp.Path.Value)
		} else if imp.Name != nil && imp.Name.Name == "." {
			s.found(s.line(imp.Pos()), "import", "a dot hides where a name comes from; import %s by its name", imp.Path.Value)
		}
	}
	ast.Inspect(s.tree, func(n ast.Node) bool {
		return s.anywhere(n)
	})
	for _, group := range s.tree.Comments {
		for _, c := range group.List {
			s.directive(c)
		}
	}
}

// False: what is below n is fine.
func (s *source) anywhere(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Ellipsis: // args ...any is how one passes on what fmt wants
		id, ok := n.Elt.(*ast.Ident)
		return !ok || id.Name != "any"
	case *ast.FuncDecl:
		s.function(n)
	case *ast.InterfaceType:
		s.found(s.line(n.Pos()), "interface", "an interface type; use a struct or a plain type")
	case *ast.Ident:
		if n.Name == "any" {
			s.found(s.line(n.Pos()), "interface", "any is an interface type; use a struct or a plain type")
		}
		s.privilege(n.Pos(), n.Name)
	case *ast.BasicLit:
		if n.Kind == token.STRING {
			s.privilege(n.Pos(), n.Value)
		}
	}
	return true
}

func (s *source) privilege(pos token.Pos, text string) {
	for _, word := range privileges {
		if strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
			s.found(s.line(pos), "privilege", "%s would let the container out; a variant never gets it", word)
		}
	}
}

func (s *source) function(f *ast.FuncDecl) {
	if f.Recv == nil && f.Name.Name == "init" {
		s.found(s.line(f.Pos()), "init", "func init runs before anybody asked; call it from main")
	}
	if f.Body == nil {
		s.found(s.line(f.Pos()), "directive", "the function %s has no body here", f.Name.Name)
		return
	}
	if lines := s.line(f.Body.Rbrace) - s.line(f.Body.Lbrace) - 1; lines > maxFunction {
		s.found(s.line(f.Pos()), "function-length", "%s has %d lines, more than %d", f.Name.Name, lines, maxFunction)
	}
}

// Comments that the Go tools obey. A build condition of ours is fine.
func (s *source) directive(c *ast.Comment) {
	for _, word := range []string{"//go:", "//export ", "//line ", "/*line ", "// +build"} {
		if !strings.HasPrefix(c.Text, word) {
			continue
		}
		if strings.HasPrefix(c.Text, "//go:build ") && !s.custom(c.Pos()) {
			continue
		}
		s.found(s.line(c.Pos()), "directive", "%.40q is an order to the Go tools; a pipeline gives none", c.Text)
	}
}
