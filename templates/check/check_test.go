// check_test.go - every rule has an example that breaks it, and one that just does not.
package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const head = "package main\n\nimport (\n\t\"context\"\n\t\"os\"\n\t\"os/exec\"\n\tsys \"syscall\"\n)\n\nvar shared int\n\n"

// A section's code in a function.
func inSection(code string) string {
	return head + "func base(ctx context.Context) error {\n\t// yolodeck:begin base\n\t" + code + "\n\t// yolodeck:end base\n\treturn nil\n}\n"
}

// Declarations in the section "commands".
func atTop(code string) string {
	return head + "// yolodeck:begin commands\n" + code + "\n// yolodeck:end commands\n"
}

var examples = []struct {
	rule, text, words string
	line              int
}{
	{"syntax", head + "func f( {\n}\n", "", 12},
	{"file-length", head + strings.Repeat("// x\n", 190), "has 201 lines", 201},
	{"function-length", head + "func f() {\n" + strings.Repeat("\tg()\n", 51) + "}\n", "f has 51 lines", 12},
	{"interface", head + "type a interface{ f() }\n", "", 12},
	{"interface", head + "func f(x interface{}) {}\n", "", 12},
	{"interface", head + "func f(x any) {}\n", "any is an interface", 12},
	{"interface", inSection("var x map[string]any"), "", 14},
	{"import", "package main\n\nimport \"reflect\"\n", "\"reflect\"", 3},
	{"import", "package main\n\nimport \"unsafe\"\n", "", 3},
	{"import", "package main\n\nimport \"plugin\"\n", "", 3},
	{"import", "package main\n\nimport \"C\"\n", "", 3},
	{"import", "package main\n\nimport _ \"embed\"\n", "", 3},
	{"import", "package main\n\nimport \"example.org/mine\"\n", "", 3},
	{"import", "package main\n\nimport . \"os\"\n", "a dot hides", 3},
	{"privilege", inSection("x := dagger.ContainerWithExecOpts{InsecureRootCapabilities: true}\n\tuse(x)"), "", 14},
	{"privilege", head + "func f() {\n\tg(\"experimentalPrivilegedNesting\")\n}\n", "", 13},
	{"init", head + "func init() {\n}\n", "", 12},
	{"init", atTop("func init() {\n}"), "", 13},
	{"directive", head + "//go:generate rm -rf /\nfunc f() {\n}\n", "", 12},
	{"directive", head + "//go:embed secrets\nvar x string\n", "", 12},
	{"directive", head + "//go:linkname f runtime.f\nfunc f()\n", "", 12},
	{"directive", head + "func f()\n", "no body", 12},
	{"directive", inSection("//line other.go:1"), "", 14},
	{"directive", "package main\n\n// yolodeck:begin commands\n//go:build linux\n// yolodeck:end commands\n", "", 4},
	{"section-package", inSection("exec.Command(\"sh\")"), "os/exec", 14},
	{"section-package", inSection("sys.Kill(1, 9)"), "syscall", 14},
	{"section-package", inSection("os.StartProcess(\"sh\", nil, nil)"), "starts no programs", 14},
	{"concurrency", inSection("go f()"), "goroutine", 14},
	{"concurrency", inSection("c := make(chan int)\n\tuse(c)"), "channel", 14},
	{"concurrency", inSection("c <- 1"), "channel", 14},
	{"concurrency", inSection("<-ctx.Done()"), "channel", 14},
	{"concurrency", inSection("select {}"), "select", 14},
	{"ignored-error", inSection("_ = f()"), "", 14},
	{"ignored-error", inSection("x, _ := f()\n\tuse(x)"), "", 14},
	{"ignored-error", inSection("var _ = f()"), "", 14},
	{"state", inSection("shared = 1"), "shared belongs", 14},
	{"state", inSection("shared++"), "", 14},
	{"state", inSection("p := &shared\n\tuse(p)"), "", 14},
	{"state", inSection("(shared).x[1].y = 2"), "", 14},
	{"state", atTop("var mine = 1\n\nfunc f() {\n\tmine = 2\n}"), "mine belongs", 16},
	{"ignored-error", inSection("x, y := 1, 2\n\tx, _ = f(), g()\n\tuse(x, y)"), "", 15},
	{"marker", inSection("}\n\nfunc other() error {"), "reaches over", 13},
	{"marker", inSection("if true {") + "}\n", "reaches over", 13},
	{"marker", inSection("x := `\n\t// yolodeck:end base\n\t`\n\tuse(x)"), "inside a text", 15},
	{"marker", inSection("/*") + "// */ }\n", "", 15},
	{"marker", inSection("// yolodeck:begin wrap"), "begins inside", 14},
	{"marker", inSection("f() // yolodeck:end base"), "alone on its line", 14},
	{"marker", inSection("// yolodeck:start x"), "is no marker", 14},
	{"marker", head + "// yolodeck:begin commands\n", "has no end", 12},
	{"marker", head + "// yolodeck:end commands\n", "no section commands", 12},
}

func TestEveryExampleIsFound(t *testing.T) {
	seen := map[string]bool{}
	for _, ex := range examples {
		hit := false
		all := check(map[string]string{"main.go": ex.text})
		for _, f := range all {
			hit = hit || f.rule == ex.rule && f.line == ex.line && strings.Contains(f.text, ex.words)
		}
		if !hit {
			t.Errorf("%s at line %d (%s) is not among %v in:\n%s", ex.rule, ex.line, ex.words, all, ex.text)
		}
		seen[ex.rule] = true
	}
	for _, rule := range rules {
		if !seen[rule] {
			t.Errorf("the rule %s has no example", rule)
		}
	}
}

func TestWhatIsRight(t *testing.T) {
	for _, text := range []string{
		head + "func f() {\n\tgo f()\n\t_ = os.Getenv(\"X\")\n\tshared = 1\n\texec.Command(\"x\")\n}\n",
		head + strings.Repeat("// x\n", 189),
		head + "func f(format string, args ...any) {\n}\n",
		head + "func f() {\n" + strings.Repeat("\tg()\n", 50) + "}\n",
		inSection(""),
		inSection("x := 1\n\tif err := use(x); err != nil {\n\t\treturn err\n\t}"),
		inSection("for _, x := range list {\n\t\tuse(x)\n\t}"),
		inSection("mine := shared\n\tmine = 2\n\tuse(mine, os.Getenv(\"HOME\"))"),
		inSection("name, _, _ := strings.Cut(x, y)\n\tv, _ := table[name]\n\t_ = v"),
		atTop("var commands = map[string][]string{\"lint\": {\"npm\", \"run\"}}"),
		inSection("// goroutines, select and `any` may be talked about"),
		inSection("use(\"a // yolodeck:end base\")"),
		atTop("// extra does more.\nfunc extra() []string {\n\treturn nil\n}"),
		"//go:build linux\n\npackage main\n",
	} {
		if all := check(map[string]string{"main.go": text}); len(all) > 0 {
			t.Errorf("%v in:\n%s", all, text)
		}
	}
}

func TestVariablesOfOtherFiles(t *testing.T) {
	all := check(map[string]string{"main.go": inSection("table[1] = 2"), "other.go": "package main\n\nvar table [3]int\n",
		"runtime/other.go": "package runtime\n\nvar x int\n\nfunc f() { x = 1 }\n"})
	if len(all) != 1 || all[0].rule != "state" || all[0].file != "main.go" {
		t.Errorf("%v", all)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := read(dir); err == nil {
		t.Error("an empty directory is no pipeline")
	}
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package main\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "runtime"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "runtime/b.go"), []byte("package runtime\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := read(dir)
	if err != nil || files["a.go"] != "package main\n" || files["runtime/b.go"] != "package runtime\n" {
		t.Errorf("%v %v", files, err)
	}
}
