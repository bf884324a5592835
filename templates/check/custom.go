// custom.go - the rules that hold in the custom sections only.
package main

import (
	"go/ast"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// Packages that the runtime around the sections needs, and a section does not.
var notInSections = []string{"os/exec", "os/signal", "net", "net/http", "syscall", "golang.org/x/sys/unix", "runtime", "sync",
	"sync/atomic"}

// Names of the variables of the package in dir, over all its files.
func packageVars(all []*source, dir string) map[string]bool {
	names := map[string]bool{}
	for _, s := range all {
		if path.Dir(s.name) != dir {
			continue
		}
		for _, d := range s.tree.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					names[name.Name] = true
				}
			}
		}
	}
	return names
}

// The names under which this file knows the packages that are not for sections.
func (s *source) refusedPackages() map[string]string {
	refused := map[string]string{}
	for _, imp := range s.tree.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			continue
		}
		for _, p := range notInSections {
			if p != path {
				continue
			}
			name := path[strings.LastIndex(path, "/")+1:]
			if imp.Name != nil {
				name = imp.Name.Name
			}
			refused[name] = path
		}
	}
	return refused
}

func (s *source) customSections(globals map[string]bool) {
	refused := s.refusedPackages()
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		if s.custom(n.Pos()) {
			s.inSection(n, globals, refused)
		}
		return true
	})
}

func (s *source) inSection(n ast.Node, globals map[string]bool, refused map[string]string) {
	const more = "variants run side by side without it"
	line := s.line(n.Pos())
	switch n := n.(type) {
	case *ast.GoStmt:
		s.found(line, "concurrency", "a goroutine in a section; "+more)
	case *ast.SelectStmt:
		s.found(line, "concurrency", "a select in a section; "+more)
	case *ast.ChanType, *ast.SendStmt:
		s.found(line, "concurrency", "a channel in a section; "+more)
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			s.found(line, "concurrency", "a channel in a section; "+more)
		} else if n.Op == token.AND {
			s.state(n.X, globals)
		}
	case *ast.AssignStmt:
		s.assignment(n, globals)
	case *ast.ValueSpec:
		s.ignored(identsOf(n.Names), n.Values)
	case *ast.IncDecStmt:
		s.state(n.X, globals)
	case *ast.SelectorExpr:
		s.selector(n, refused)
	}
}

func (s *source) selector(n *ast.SelectorExpr, refused map[string]string) {
	x, ok := n.X.(*ast.Ident)
	if !ok {
		return
	}
	if path := refused[x.Name]; path != "" {
		s.found(s.line(n.Pos()), "section-package", "%s is for the runtime, not for a section", path)
	} else if x.Name == "os" && n.Sel.Name == "StartProcess" {
		s.found(s.line(n.Pos()), "section-package", "a section starts no programs on this machine")
	}
}

func (s *source) assignment(n *ast.AssignStmt, globals map[string]bool) {
	s.ignored(n.Lhs, n.Rhs)
	if n.Tok == token.DEFINE {
		return
	}
	for _, x := range n.Lhs {
		s.state(x, globals)
	}
}

func identsOf(names []*ast.Ident) []ast.Expr {
	var list []ast.Expr
	for _, n := range names {
		list = append(list, n)
	}
	return list
}

// Without types the test is: _ takes something from a call. The package strings has no errors (name, value, _ := strings.Cut(...)).
func (s *source) ignored(lhs, rhs []ast.Expr) {
	for i, x := range lhs {
		from := rhs[0:0]
		if len(rhs) == 1 {
			from = rhs
		} else if i < len(rhs) {
			from = rhs[i : i+1]
		}
		if len(from) == 0 || !mayFail(from[0]) {
			continue
		}
		if id, ok := x.(*ast.Ident); ok && id.Name == "_" {
			s.found(s.line(x.Pos()), "ignored-error", "_ drops a result, and with it an error; look at it, or return it")
		}
	}
}

func mayFail(x ast.Expr) bool {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return false
	}
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
		if p, ok := sel.X.(*ast.Ident); ok && p.Name == "strings" {
			return false
		}
	}
	return true
}

// x, x.f, x[i], *x of a variable of the package.
func (s *source) state(x ast.Expr, globals map[string]bool) {
	for {
		switch e := x.(type) {
		case *ast.SelectorExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		case *ast.ParenExpr:
			x = e.X
		case *ast.Ident:
			if globals[e.Name] {
				s.found(s.line(e.Pos()), "state", "%s belongs to the package, and all variants share it", e.Name)
			}
			return
		default:
			return
		}
	}
}
