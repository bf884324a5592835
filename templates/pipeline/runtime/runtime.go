// runtime.go - begin to read here: Main, and what this package is for.

// Package runtime is the machinery around the steps of main.go: it hears what the conductor asks for, follows the logs of the
// containers, and brings their files back.
//
// Begin to read at Main; then pipeline.go (all tasks), run.go (one task), collect.go (its files).
package runtime

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

const usage = `usage: pipeline run DIR
       pipeline exec|tty DIR TASKFILE -- ARGV...
       pipeline version
`

// Main does what the arguments say, and returns the exit code.
func Main(args []string, steps Steps) int {
	// The session's process is killed with the thread that started it (see session.go): that thread must be this one, always.
	runtime.LockOSThread()
	syscall.Umask(0o022)
	switch {
	case len(args) == 1 && args[0] == "version":
		fmt.Println(sdkVersion)
		return 0
	case len(args) == 2 && args[0] == "run":
		return runMode(args[1], steps)
	case len(args) > 4 && (args[0] == "exec" || args[0] == "tty") && args[3] == "--":
		return execMode(args[1], args[2], args[4:], args[0] == "tty", steps)
	}
	fmt.Fprint(os.Stderr, usage)
	return 64
}
