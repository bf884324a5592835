// sse_test.go - events that are cut, long, and taken up again.
package runtime

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSSEResume(t *testing.T) {
	const total = 40
	// Cuts each connection in the middle of an event, at another place each time.
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, token, _ := r.BasicAuth(); token != "" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, "event: subscribed\ndata: \n\n")
		last, _ := strconv.Atoi(r.Header.Get("X-Last-Event-ID"))
		for i := last + 1; i <= total; i++ {
			event := fmt.Sprintf("event: logs\nid: %d\ndata: %d:%s\n\n", i, i, strings.Repeat("z", i*9973))
			if i == last+4 {
				event = event[:len(event)-1-i%3]
			}
			fmt.Fprint(w, event)
			if i == last+4 {
				return
			}
		}
		<-r.Context().Done()
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	u, _ := url.Parse(srv.URL)
	port, _ := strconv.Atoi(u.Port())
	got := make(chan string, total*2)
	f := (&Session{Port: port, Token: "t"}).follow(ctx, "/v1/logs", func(b []byte) {
		got <- fmt.Sprint(string(b[:strings.IndexByte(string(b), ':')]), ":", len(b))
	}, func(error) {})
	<-f.ready
	for i := 1; i <= total; i++ {
		want := fmt.Sprint(i, ":", i*9973+len(strconv.Itoa(i))+1)
		select {
		case g := <-got:
			if g != want {
				t.Fatalf("%s, expected %s", g, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no event", i)
		}
	}
}

func TestTelemetry(t *testing.T) {
	pl := newPipeline(plan{}, Steps{}, t.TempDir())
	_, id := newTrace(context.Background())
	var got []string
	starts := 0
	pl.listen(id, newLogReader(func(f frame) { got = append(got, string(f.data)) }, func() { starts++ }))
	spans := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":%q, "name":%q}]}]}]}`
	pl.onSpans([]byte(fmt.Sprintf(spans, "other", "resume withExec")))
	pl.onSpans([]byte(fmt.Sprintf(spans, id, "withExec")))
	if starts != 0 {
		t.Error("begun by another one")
	}
	pl.onSpans([]byte(fmt.Sprintf(spans, id, "resume withExec")))
	rec := `{"body":{"stringValue":%q}, "attributes":[{"key":"stdio.stream", "value":{"intValue":"1"}}],"traceId":%q}`
	line := frameLine(0, 0, kindOutput, "ä\n") + "\n"
	logs := fmt.Sprintf(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[`+rec+`,`+rec+`,`+rec+`]}]}]}`, line[:9], id, "noise", "other", line[9:], id)
	pl.onLogs([]byte(logs))
	pl.onLogs([]byte("{"))
	if len(got) != 1 || got[0] != "ä\n" || starts != 1 {
		t.Errorf("%q, %d starts", got, starts)
	}
}
