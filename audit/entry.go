package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"hotcell/internal/activity"
)

const (
	// kindAudit is of entries about the log itself: open, close, dropped,
	// write_failed.
	kindAudit activity.Kind = "audit"
	// maxCode is how much of what was run an entry holds. Its hash is of all of it.
	maxCode = 16 << 10
	// maxWords bounds every other text in an entry.
	maxWords = 4 << 10
)

// entry is a line of the log; docs/operations.md describes it. What doesn't apply
// is left out.
type entry struct {
	Time      time.Time     `json:"time"`
	Seq       uint64        `json:"seq,omitempty"`
	Kind      activity.Kind `json:"kind"`
	Action    string        `json:"action"`
	Outcome   string        `json:"outcome,omitempty"`
	Reason    string        `json:"reason,omitempty"`
	Key       string        `json:"key,omitempty"`
	Address   string        `json:"address,omitempty"`
	Forwarded string        `json:"forwarded_for,omitempty"`
	Dialect   string        `json:"dialect,omitempty"`
	Sandbox   string        `json:"sandbox,omitempty"`
	Context   string        `json:"context,omitempty"`
	Session   string        `json:"session,omitempty"`
	ID        string        `json:"id,omitempty"`
	Language  string        `json:"language,omitempty"`
	Exit      *int          `json:"exit_code,omitempty"`
	Waited    float64       `json:"queued_ms,omitempty"`
	Took      float64       `json:"duration_ms,omitempty"`
	In        int64         `json:"input_bytes,omitempty"`
	Out       int64         `json:"output_bytes,omitempty"`
	Stdout    int64         `json:"stdout_bytes,omitempty"`
	Stderr    int64         `json:"stderr_bytes,omitempty"`
	Detail    string        `json:"detail,omitempty"`
	Count     uint64        `json:"count,omitempty"` // of entries that are lost
	Hash      string        `json:"code_sha256,omitempty"`
	Code      string        `json:"code,omitempty"`
	Cut       bool          `json:"code_truncated,omitempty"`
}

// line appends a record's line to buf.
func line(buf *bytes.Buffer, i item) error {
	e := entry{
		Time: i.Began.UTC(), Seq: i.seq, Kind: i.Kind, Action: i.Action, Outcome: i.Outcome, Reason: short(i.Reason, maxWords),
		Key: i.Origin.Key, Address: i.Origin.Address, Forwarded: i.Origin.Forwarded, Dialect: i.Origin.Dialect,
		Sandbox: i.Sandbox, Context: i.Context, ID: short(i.ID, maxWords), Language: i.Language, Exit: i.Exit,
		Waited: ms(i.Waited), Took: ms(i.Took), In: max(i.In, 0), Out: max(i.Out, 0), Stdout: i.Stdout, Stderr: i.Stderr,
		Detail: short(i.Detail, maxWords), Count: i.count,
	}
	if i.Kind == activity.SessionCommand {
		e.Context, e.Session = "", i.Context
	}
	if i.Code != "" {
		sum := sha256.Sum256([]byte(i.Code))
		e.Hash, e.Code = hex.EncodeToString(sum[:]), short(i.Code, maxCode)
		e.Cut = len(i.Code) > maxCode
	}
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return enc.Encode(e)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// short is the beginning of a text, whole characters only.
func short(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}
