// telemetry.go - what the session's telemetry says about our tasks: each has its own trace id, which its exec carries.
package runtime

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"

	"go.opentelemetry.io/otel/trace"
)

type logsMessage struct {
	ResourceLogs []struct {
		ScopeLogs []struct {
			LogRecords []logRecord
		}
	}
}

type logRecord struct {
	TraceID    string
	Body       struct{ StringValue string }
	Attributes []struct {
		Key   string
		Value struct {
			IntValue  string
			BoolValue bool
		}
	}
}

type spansMessage struct {
	ResourceSpans []struct {
		ScopeSpans []struct {
			Spans []struct {
				TraceID string
				Name    string
			}
		}
	}
}

// newTrace makes a trace id; what is executed with the context is logged under it.
func newTrace(ctx context.Context) (context.Context, string) {
	var tid trace.TraceID
	var sid trace.SpanID
	rand.Read(tid[:])
	rand.Read(sid[:])
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: tid, SpanID: sid, TraceFlags: trace.FlagsSampled, Remote: true})
	return trace.ContextWithRemoteSpanContext(ctx, sc), base64.StdEncoding.EncodeToString(tid[:])
}

// stream of the record: 1 stdout, 2 stderr, 0 something else; eof: it ended.
func (r *logRecord) stream() (stream string, eof bool) {
	for _, a := range r.Attributes {
		switch a.Key {
		case "stdio.stream":
			stream = a.Value.IntValue
		case "stdio.eof":
			eof = a.Value.BoolValue
		}
	}
	return stream, eof
}

func (pl *pipeline) onLogs(data []byte) {
	var m logsMessage
	if err := json.Unmarshal(data, &m); err != nil {
		say("telemetry: %v", err)
		return
	}
	for _, rl := range m.ResourceLogs {
		for _, sl := range rl.ScopeLogs {
			for i := range sl.LogRecords {
				r := &sl.LogRecords[i]
				if in := pl.byTrace(r.TraceID); in != nil {
					stream, eof := r.stream()
					in.record(stream, eof, []byte(r.Body.StringValue))
				}
			}
		}
	}
}

// onSpans: this span appears when the exec begins.
func (pl *pipeline) onSpans(data []byte) {
	var m spansMessage
	if err := json.Unmarshal(data, &m); err != nil {
		say("telemetry: %v", err)
		return
	}
	for _, rs := range m.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				if s.Name != "resume withExec" {
					continue
				}
				if in := pl.byTrace(s.TraceID); in != nil {
					in.started()
				}
			}
		}
	}
}
