// plan_test.go - plan, tasks and control lines, also with hostile words in them.
package runtime

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "task.json")
	nasty := []string{"a b", "`id`", "$(id)", "'\"\\", "x\ny", strings.Repeat("ü", 50000), ""}
	want := Task{ID: "a", Variant: "a", Nonce: "n", Dir: "/d", Source: "/s", Log: "/l", Idx: "/i", Argv: nasty, Env: []string{"A=$(id)=`x`\n", "B="}, UID: 7, GID: 8, TimeMS: 5, Setup: "x; y"}
	write := func(t2 Task) {
		text, _ := json.Marshal(t2)
		os.WriteFile(path, text, 0o600)
	}
	p := plan{Repo: "0123456789abcdef", Race: 7, Runner: "/r"}
	write(want)
	got, err := p.readTask(path)
	if err != nil || !slices.Equal(got.Argv, nasty) || !slices.Equal(got.Env, want.Env) {
		t.Fatal(err)
	}
	argv := got.RunnerArgv(got.Argv)
	head := []string{"/yolo-runner", "--guarded-log", "/.yolo", "--uid", "7", "--gid", "8", "--cwd", "/work", "--time", "5", "--setup", "x; y", "--"}
	if v := got.Volume("-home"); v != "yolo-01234567-7-a-n-home" || got.Runner != "/r" {
		t.Error(v, got.Runner)
	}
	if !slices.Equal(argv, append(head, nasty...)) {
		t.Errorf("%.400q", argv)
	}
	for what, change := range map[string]func(*Task){
		"no id": func(t *Task) { t.ID = "" }, "no nonce": func(t *Task) { t.Nonce = "" }, "no command": func(t *Task) { t.Argv = nil },
		"relative": func(t *Task) { t.Source = "s" }, "no log": func(t *Task) { t.Log = "" }, "env": func(t *Task) { t.Env = []string{"=x"} },
		"env without value": func(t *Task) { t.Env = []string{"x"} },
	} {
		bad := want
		change(&bad)
		write(bad)
		if _, err := p.readTask(path); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
}

func TestPlan(t *testing.T) {
	dir := t.TempDir()
	for text, good := range map[string]bool{
		`{"v":1,"race":7,"repo":"0123456789abcdef","cli":"/c","runner":"/r","sdk":"v0.21.8","new":1}`: true,
		`{"repo":"0123","cli":"/c","runner":"/r","sdk":"v0.1.0"}`:                                     false,
		`{"repo":"0123","cli":"/c","runner":"r"}`:                                                     false,
		`{`: false,
	} {
		os.WriteFile(filepath.Join(dir, "plan.json"), []byte(text), 0o600)
		p, err := readPlan(dir)
		if (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
		if good && (p.ConnectMS != 10000) {
			t.Errorf("%+v", p)
		}
	}
}

func TestControl(t *testing.T) {
	c := controlFile{path: filepath.Join(t.TempDir(), "control.jsonl")}
	want := func(ns ...int64) []control {
		t.Helper()
		got, err := c.read()
		var have []int64
		for _, l := range got {
			have = append(have, l.N)
		}
		if err != nil || !slices.Equal(have, ns) {
			t.Fatalf("%v, expected %v (%v)", have, ns, err)
		}
		return got
	}
	want()
	f, err := os.Create(c.path)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("{\"n\":1,\"start\":\"/a\"}\n{\"n\":2,\"sto")
	want(1)
	want()
	f.WriteString("p\":\"a\"}\n\n{\"n\":2,\"cancel\":\"a\"}\nnonsense\n{\"n\":7,\"new\":[]}\n{\"n\":3,\"quit\":true}\n")
	if l := want(2, 7); l[0].Stop != "a" || l[0].Cancel != "" {
		t.Errorf("%+v", l)
	}
	f.WriteString("{\"n\":8,\"quit\":true}\n")
	if l := want(8); !l[0].Quit {
		t.Error("quit")
	}
}

func TestSentence(t *testing.T) {
	got := sentence(errors.New("input: container.from: not\nfound [traceparent:00-abc-def-01] \xff"))
	if got != "container.from: not found ?" {
		t.Errorf("%q", got)
	}
	if long := sentence(errors.New(strings.Repeat("ä", 1000))); len([]rune(long)) != 401 {
		t.Error(len(long))
	}
}
