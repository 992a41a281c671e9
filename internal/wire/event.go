package wire

import (
	"encoding/json"
	"time"
)

// EventType says what an event is.
type EventType string

// What an execution can produce, in [Event.Type].
const (
	EventState        EventType = "state"  // running first, done last
	EventNotice       EventType = "notice" // something the service has to say: names that were lost, bytes cut
	EventStdout       EventType = "stdout"
	EventStderr       EventType = "stderr"
	EventDisplay      EventType = "display"
	EventResult       EventType = "result"
	EventChart        EventType = "chart"
	EventClearOutput  EventType = "clear_output"
	EventError        EventType = "error"
	EventInputRequest EventType = "input_request"
)

// State is where an execution stands. It only moves down this list.
type State string

// States of an execution.
const (
	StateQueued  State = "queued"
	StateRunning State = "running"
	StateDone    State = "done"
)

// Status is how an execution ended.
type Status string

// How an execution can end.
const (
	StatusOK          Status = "ok"
	StatusError       Status = "error"       // the code raised
	StatusInterrupted Status = "interrupted" // somebody asked for it
	StatusTimeout     Status = "timeout"     // its time limit passed
	StatusDied        Status = "died"        // the kernel ended under it
	StatusCancelled   Status = "cancelled"   // never ran to an end: context deleted, restarted, or queue withdrawn
)

// Event is one thing that an execution produced. Members that a type does not
// use are absent. The JSON form is the native dialect's (docs/protocol.md).
type Event struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	Type EventType `json:"type"`

	Text string `json:"text,omitempty"` // stdout, stderr, notice: valid UTF-8, at most 32 KiB a piece

	State    State   `json:"state,omitempty"`       // state
	Status   Status  `json:"status,omitempty"`      // state done
	Duration float64 `json:"duration_ms,omitempty"` // state done: milliseconds since it began to run
	Epoch    int     `json:"epoch,omitempty"`       // state running, notice
	Count    int     `json:"execution_count,omitempty"`

	Bundle    Bundle          `json:"data,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	DisplayID string          `json:"display_id,omitempty"`
	Update    bool            `json:"update,omitempty"`
	Wait      bool            `json:"wait,omitempty"`
	Chart     json.RawMessage `json:"chart,omitempty"`

	Name      string `json:"name,omitempty"`
	Value     string `json:"value,omitempty"`
	Traceback string `json:"traceback,omitempty"`
	Cause     *Cause `json:"cause,omitempty"` // error: when the service, not the code, ended the execution

	Prompt   string   `json:"prompt,omitempty"`
	Password bool     `json:"password,omitempty"`
	Lost     []string `json:"lost,omitempty"`      // notice, error: top-level names that went with the kernel
	LostMore int      `json:"lost_more,omitempty"` // how many more there were
}

// Cause says why the service ended an execution, for programs to read.
type Cause struct {
	Reason    string `json:"reason"`               // timeout, interrupt, kernel_died, protocol, out_of_memory, output_limit, context_deleted, context_restarted, shutdown, start_failed
	Step      string `json:"step,omitempty"`       // interrupt or kill: the step of the ladder that worked
	ExitCode  *int   `json:"exit_code,omitempty"`  // of the kernel
	Signal    string `json:"signal,omitempty"`     // of the kernel: SIGSEGV
	Killed    int    `json:"oom_kills,omitempty"`  // out_of_memory: how many processes the system killed, by its own counter
	LimitOf   string `json:"limit_of,omitempty"`   // out_of_memory: context, sandbox, server (all sandboxes together) or machine
	Limit     int64  `json:"limit,omitempty"`      // out_of_memory: in bytes
	StateKept bool   `json:"state_kept,omitempty"` // the kernel and its variables survived
}
