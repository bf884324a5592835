// plan.go - the conductor's orders: the plan of this process, and a file for each task.
package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sdkVersion is the version of dagger.io/dagger in go.mod, of the CLI and of the engine: all three must be the same.
const sdkVersion = "v0.21.8"

type plan struct {
	Race        int    `json:"race"`
	Repo        string `json:"repo"`
	Dir         string `json:"dir"`
	CLI         string `json:"cli"`
	RunnerHost  string `json:"runner_host"`
	ConnectMS   int64  `json:"connect_ms"`
	Runner      string `json:"runner"`
	BaseStoreAt string `json:"base_store_at"`
	SDK         string `json:"sdk"`
	CollectOnly bool   `json:"collect_only"`
}

// Task is one command of a variant, or its check.
type Task struct {
	ID      string   `json:"id"`
	Variant string   `json:"variant"`
	Check   bool     `json:"check"`
	Nonce   string   `json:"nonce"`
	Dir     string   `json:"dir"`
	Source  string   `json:"src"`
	Store   string   `json:"base_store"` // objects of the commit it begins with
	Log     string   `json:"log"`
	Idx     string   `json:"idx"`
	Image   Image    `json:"image"`
	Argv    []string `json:"argv"`
	Setup   string   `json:"setup"`
	Env     []string `json:"env"`
	UID     int      `json:"uid"`
	GID     int      `json:"gid"`
	Memory  int64    `json:"memory"`
	Pids    int64    `json:"pids"`
	TimeMS  int64    `json:"time_ms"`
	LogCap  int64    `json:"log_cap"`
	GraceMS int64    `json:"grace_ms"`

	// Set by us.
	Runner     string       `json:"-"` // host path of the runner
	StoreAt    string       `json:"-"` // path of Store in the container
	LogVolume  string       `json:"-"` // suffix of the volume at /.yolo, which only the runner reads: one for each logged exec
	stopSocket string       // path in the container, "" = none
	volumes    string       // what the names of its volumes begin with
	note       func(string) // nil = nobody reads it
}

// Note tells what is being done before the command starts.
func (t *Task) Note(text string) {
	if t.note != nil {
		t.note(text)
	}
}

// Volume names one of the task's cache volumes. A new start has a new nonce, so nothing is ever taken from an older one.
func (t *Task) Volume(suffix string) string {
	return t.volumes + suffix
}

// limit is how long the engine may take for an answer.
func (p *plan) limit() time.Duration {
	return time.Duration(p.ConnectMS) * time.Millisecond
}

func readPlan(dir string) (plan, error) {
	var p plan
	text, err := os.ReadFile(filepath.Join(dir, "plan.json"))
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("plan.json: %w", err)
	}
	if p.SDK != "" && p.SDK != sdkVersion {
		return p, fmt.Errorf("the plan is for Dagger %s, this pipeline was built with %s: run `yolodeck init --upgrade`", p.SDK, sdkVersion)
	}
	if p.CLI == "" || p.Repo == "" || !filepath.IsAbs(p.Runner) {
		return p, errors.New("plan.json names no CLI, repository or runner")
	}
	if p.ConnectMS <= 0 {
		p.ConnectMS = 10000
	}
	return p, nil
}

func (p *plan) readTask(path string) (Task, error) {
	var t Task
	text, err := os.ReadFile(path)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	if t.ID == "" || t.Variant == "" || t.Nonce == "" {
		return t, fmt.Errorf("%s: a task needs id, variant and nonce", path)
	}
	for _, p := range []string{t.Dir, t.Source, t.Log, t.Idx} {
		if !filepath.IsAbs(p) {
			return t, fmt.Errorf("%s: %q is no absolute path", path, p)
		}
	}
	if len(t.Argv) == 0 {
		return t, fmt.Errorf("%s: no command", path)
	}
	for _, kv := range t.Env {
		if strings.Index(kv, "=") <= 0 {
			return t, fmt.Errorf("%s: %q in env is no NAME=VALUE", path, kv)
		}
	}
	t.Runner, t.StoreAt = p.Runner, p.BaseStoreAt
	t.volumes = fmt.Sprintf("yolo-%.8s-%d-%s-%s", p.Repo, p.Race, t.Variant, t.Nonce)
	t.LogVolume = "-ctl"
	if t.Check {
		t.LogVolume = "-check-ctl"
	}
	return t, nil
}

// RunnerArgv is what is executed in the container for a command that is logged.
func (t *Task) RunnerArgv(argv []string) []string {
	a := []string{"/yolo-runner", "--guarded-log", "/.yolo", "--uid", fmt.Sprint(t.UID), "--gid", fmt.Sprint(t.GID), "--cwd", "/work"}
	for _, o := range []struct {
		name string
		n    int64
	}{{"--cap", t.LogCap}, {"--time", t.TimeMS}, {"--grace", t.GraceMS}, {"--memory", t.Memory}, {"--pids", t.Pids}} {
		if o.n > 0 {
			a = append(a, o.name, fmt.Sprint(o.n))
		}
	}
	if t.stopSocket != "" {
		a = append(a, "--stop-socket", t.stopSocket)
	}
	if t.Setup != "" {
		a = append(a, "--setup", t.Setup)
	}
	return append(append(a, "--"), argv...)
}
