// Package wire holds the vocabulary that the server shares with the drivers
// inside kernels (frames, requests, messages) and with its own dialects
// (events, bundles, statuses). It has no goroutines and owns nothing.
package wire

import "encoding/json"

// ProtocolVersion is what a driver says in its hello. A driver that says
// another number is refused at start.
const ProtocolVersion = 1

// ProtocolFD is the descriptor on which a driver finds its end of the socketpair.
const ProtocolFD = 3

// Types of [Request].
const (
	ReqConfigure  = "configure"
	ReqExecute    = "execute"
	ReqComplete   = "complete"
	ReqInspect    = "inspect"
	ReqIsComplete = "is_complete"
	ReqInput      = "input_reply"
	ReqAck        = "ack"
	ReqInterrupt  = "interrupt"
	ReqShutdown   = "shutdown"
	ReqScript     = "script"
)

// Request is one frame from the server to a driver. docs/adding-a-runtime.md
// says which members each type uses.
type Request struct {
	Type     string            `json:"type"`
	ID       string            `json:"id,omitempty"`
	Language string            `json:"language,omitempty"`
	Cwd      string            `json:"cwd,omitempty"`
	Env      map[string]string `json:"env,omitempty"`
	Code     string            `json:"code,omitempty"`
	Cursor   int               `json:"cursor,omitempty"`  // in Unicode code points
	Detail   int               `json:"detail,omitempty"`  // inspect: 0 or 1
	Stdin    bool              `json:"stdin,omitempty"`   // execute: input() may ask the client
	Formats  []string          `json:"formats,omitempty"` // execute: what figures are drawn as, beside PNG: svg, pdf
	Value    string            `json:"value,omitempty"`   // input_reply
	EOF      bool              `json:"eof,omitempty"`     // input_reply: end of input instead of a value
	Script   *Script           `json:"script,omitempty"`  // script
}

// Script is what a kernel becomes instead of being configured: a program that
// runs once. The environment is the whole one.
type Script struct {
	File   string            `json:"file"`             // the program's text
	Path   string            `json:"path"`             // what it is told to be, and its tracebacks say
	Module string            `json:"module,omitempty"` // node: a file to import if the text is an ES module
	Args   []string          `json:"args,omitempty"`
	Env    map[string]string `json:"env,omitempty"`
	Keep   bool              `json:"keep,omitempty"`   // node: the files stay while the program runs
	Mapped bool              `json:"mapped,omitempty"` // node: the text carries a source map
}

// Types of [Message].
const (
	MsgHello           = "hello"
	MsgReady           = "ready"
	MsgRefused         = "refused"
	MsgDisplay         = "display"
	MsgResult          = "result"
	MsgChart           = "chart"
	MsgClearOutput     = "clear_output"
	MsgError           = "error"
	MsgInputRequest    = "input_request"
	MsgDone            = "done"
	MsgCompleteReply   = "complete_reply"
	MsgInspectReply    = "inspect_reply"
	MsgIsCompleteReply = "is_complete_reply"
)

// Message is one frame from a driver to the server.
type Message struct {
	Type string `json:"type"`
	ID   string `json:"id,omitempty"`

	Protocol int    `json:"protocol,omitempty"` // hello
	Language string `json:"language,omitempty"` // hello
	Version  string `json:"version,omitempty"`  // hello: of the language, "3.11.7"

	Bundle    Bundle          `json:"data,omitempty"`       // display, result, inspect_reply
	Metadata  json.RawMessage `json:"metadata,omitempty"`   // display, result
	DisplayID string          `json:"display_id,omitempty"` // display
	Update    bool            `json:"update,omitempty"`     // display: replaces the one with the same display_id
	Wait      bool            `json:"wait,omitempty"`       // clear_output
	Chart     json.RawMessage `json:"chart,omitempty"`      // chart
	Ack       bool            `json:"ack,omitempty"`        // the driver waits for an ack before user code goes on

	Name      string `json:"name,omitempty"`      // error
	Value     string `json:"value,omitempty"`     // error, refused
	Traceback string `json:"traceback,omitempty"` // error: one string, lines joined, no terminal colours

	Prompt   string `json:"prompt,omitempty"`   // input_request
	Password bool   `json:"password,omitempty"` // input_request: do not echo

	Status  string   `json:"status,omitempty"`  // done: ok, error or interrupted; is_complete_reply: complete, incomplete, invalid or unknown
	Names   []string `json:"names,omitempty"`   // done: the user's top-level names
	More    int      `json:"more,omitempty"`    // done: how many names were left out of Names
	Indent  string   `json:"indent,omitempty"`  // is_complete_reply
	Found   bool     `json:"found,omitempty"`   // inspect_reply
	Matches []Match  `json:"matches,omitempty"` // complete_reply
	Start   int      `json:"start,omitempty"`   // complete_reply: what the matches replace, in code points
	End     int      `json:"end,omitempty"`
}

// Match is one completion.
type Match struct {
	Text string `json:"text"`
	Kind string `json:"kind,omitempty"` // function, module, instance, keyword, magic, path …
}

// Bundle holds one object in several formats: MIME type to data. Text formats
// and base64 of binary ones are JSON strings; JSON formats are JSON values.
type Bundle map[string]json.RawMessage
