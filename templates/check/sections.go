// sections.go - the custom sections: between their markers stand whole statements, nothing reaches over a marker.
package main

import (
	"go/ast"
	"go/token"
	"strings"
)

// from, to: offsets of the text between the lines of the markers.
type section struct {
	name     string
	from, to int
	line     int
}

const mark = "// yolodeck:"

var sectionNames = map[string]bool{"base": true, "setup": true, "wrap": true, "commands": true}

// Markers as they stand in the text; each must be a comment of its own for the compiler too.
func (s *source) findSections() {
	comments := map[int]bool{}
	for _, group := range s.tree.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, mark) {
				comments[s.line(c.Pos())] = true
			}
		}
	}
	open := false
	at := 0
	for i, line := range strings.SplitAfter(s.text, "\n") {
		word := strings.TrimSpace(line)
		if strings.HasPrefix(word, mark) {
			if !comments[i+1] {
				s.found(i+1, "marker", "this marker stands inside a text or a comment, so it marks nothing")
			}
			open = s.marker(i+1, strings.TrimPrefix(word, mark), at, at+len(line), open)
		} else if strings.Contains(line, mark) && comments[i+1] {
			s.found(i+1, "marker", "a marker stands alone on its line")
		}
		at += len(line)
	}
	if open {
		s.found(s.sections[len(s.sections)-1].line, "marker", "this section has no end")
	}
	s.straddlers()
}

func (s *source) marker(line int, word string, at, after int, open bool) bool {
	kind, name, _ := strings.Cut(word, " ")
	switch {
	case kind != "begin" && kind != "end" || !sectionNames[name]:
		s.found(line, "marker", "%q is no marker; they are begin and end of base, setup, wrap and commands", word)
	case kind == "begin" && open:
		s.found(line, "marker", "the section %s begins inside another", name)
	case kind == "begin":
		s.sections = append(s.sections, section{name, after, len(s.text), line})
		return true
	case !open || s.sections[len(s.sections)-1].name != name:
		s.found(line, "marker", "no section %s is open here", name)
	default:
		s.sections[len(s.sections)-1].to = at
		return false
	}
	return open
}

// What begins outside a section and ends inside it (or the other way round) is an edit outside the markers in disguise.
func (s *source) straddlers() {
	for _, sec := range s.sections {
		said := false
		ast.Inspect(s.tree, func(n ast.Node) bool {
			if n == nil || said {
				return false
			}
			switch n.(type) {
			case *ast.File: // ends with its last declaration, which may be a section's
				return true
			case *ast.CommentGroup: // a marker and what stands below it are one
				return false
			}
			from, to := s.offset(n.Pos()), s.offset(n.End())
			inside := from >= sec.from && to <= sec.to
			apart := to <= sec.from || from >= sec.to
			around := from < sec.from && to > sec.to
			if !inside && !apart && !around {
				s.found(sec.line, "marker", "the code of the section %s reaches over its markers; only whole statements belong there", sec.name)
				said = true
			}
			return !apart
		})
	}
}

func (s *source) offset(pos token.Pos) int { return s.fset.Position(pos).Offset }
