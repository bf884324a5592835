// steps.go - what main.go gives us: the steps of a race, in the order in which they are taken.
package runtime

import (
	"context"
	"crypto/rand"

	"dagger.io/dagger"
)

// Steps are main.go's. Each may be called more than once, and for several tasks at a time.
type Steps struct {
	Connect  func(context.Context, *Session) (*dagger.Client, error)
	Base     func(context.Context, *dagger.Client, *Image) (*dagger.Container, error)
	Setup    func(context.Context, *dagger.Client, *dagger.Container, *Task) (*dagger.Container, *dagger.Directory, error)
	Variant  func(*dagger.Client, *dagger.Container, *dagger.Directory, *Task) *dagger.Container
	Attempt  func(context.Context, *dagger.Container, *Task) error
	Commands map[string][]string // by the name in `exec VARIANT -- @NAME`
}

// helperExec executes the runner beside the command. Each call is another one: an equal call would be answered from the cache.
func helperExec(ctr *dagger.Container, argv ...string) *dagger.Container {
	return ctr.WithEnvVariable("YOLO_CALL", rand.Text()).WithExec(append([]string{"/yolo-runner"}, argv...))
}
