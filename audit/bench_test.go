package audit_test

import (
	"path/filepath"
	"testing"

	"hotcell/audit"
	"hotcell/internal/activity"
)

// BenchmarkRecord is what is paid for being recorded; the writing is somebody else's.
func BenchmarkRecord(b *testing.B) {
	l, err := audit.Open(audit.Config{Path: filepath.Join(b.TempDir(), "audit.log")})
	if err != nil {
		b.Fatal(err)
	}
	r := activity.Record{
		Kind: activity.Execution, Action: "run", Language: "python", Outcome: "ok", ID: "an id", Sandbox: "default",
		Origin: activity.Origin{Key: "the key", Address: "127.0.0.1", Dialect: activity.Native},
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Record(r)
	}
	_ = l.Close(b.Context())
}
