package std

import (
	"bytes"
	"crypto/rand"
	"crypto/sha3"
	"encoding/binary"
	"io/fs"
	"log/slog"
	randv2 "math/rand/v2"
	"net/http"          //nolint:depguard // user code may serve HTTP; nothing here does
	"net/http/httptest" //nolint:depguard // the same
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"unicode/utf16"
)

// additions are exported names of the standard library that the interpreter's
// tables, made for Go 1.22, don't have. Methods need no table.
func additions() map[string]map[string]reflect.Value {
	v := reflect.ValueOf
	return map[string]map[string]reflect.Value{
		"bytes/bytes": {
			"Lines": v(bytes.Lines), "SplitSeq": v(bytes.SplitSeq), "SplitAfterSeq": v(bytes.SplitAfterSeq),
			"FieldsSeq": v(bytes.FieldsSeq), "FieldsFuncSeq": v(bytes.FieldsFuncSeq),
		},
		"strings/strings": {
			"Lines": v(strings.Lines), "SplitSeq": v(strings.SplitSeq), "SplitAfterSeq": v(strings.SplitAfterSeq),
			"FieldsSeq": v(strings.FieldsSeq), "FieldsFuncSeq": v(strings.FieldsFuncSeq),
		},
		"crypto/rand/rand": {"Text": v(rand.Text)},
		"crypto/sha3/sha3": {
			"Sum224": v(sha3.Sum224), "Sum256": v(sha3.Sum256), "Sum384": v(sha3.Sum384), "Sum512": v(sha3.Sum512),
			"New224": v(sha3.New224), "New256": v(sha3.New256), "New384": v(sha3.New384), "New512": v(sha3.New512),
			"SHA3": v((*sha3.SHA3)(nil)), "SHAKE": v((*sha3.SHAKE)(nil)), "NewSHAKE128": v(sha3.NewSHAKE128), "NewSHAKE256": v(sha3.NewSHAKE256),
		},
		"encoding/binary/binary": {"Append": v(binary.Append), "Encode": v(binary.Encode), "Decode": v(binary.Decode)},
		"io/fs/fs":               {"ReadLink": v(fs.ReadLink), "Lstat": v(fs.Lstat)},
		"log/slog/slog": {
			"GroupAttrs": v(slog.GroupAttrs), "DiscardHandler": v(&slog.DiscardHandler).Elem(),
		},
		"math/rand/v2/rand":          {"Uint": v(randv2.Uint)},
		"net/http/http":              {"ParseCookie": v(http.ParseCookie), "ParseSetCookie": v(http.ParseSetCookie), "Protocols": v((*http.Protocols)(nil))},
		"net/http/httptest/httptest": {"NewRequestWithContext": v(httptest.NewRequestWithContext)},
		"os/os": {
			"CopyFS": v(os.CopyFS), "OpenInRoot": v(os.OpenInRoot), "OpenRoot": v(os.OpenRoot), "Root": v((*os.Root)(nil)),
		},
		"os/exec/exec":           {"ErrDot": v(&exec.ErrDot).Elem(), "ErrWaitDelay": v(&exec.ErrWaitDelay).Elem()},
		"path/filepath/filepath": {"Localize": v(filepath.Localize)},
		"reflect/reflect":        {"SliceAt": v(reflect.SliceAt)},
		"sync/atomic/atomic": {
			"AndInt32": v(atomic.AndInt32), "AndInt64": v(atomic.AndInt64), "AndUint32": v(atomic.AndUint32), "AndUint64": v(atomic.AndUint64),
			"OrInt32": v(atomic.OrInt32), "OrInt64": v(atomic.OrInt64), "OrUint32": v(atomic.OrUint32), "OrUint64": v(atomic.OrUint64),
		},
		"unicode/utf16/utf16": {"RuneLen": v(utf16.RuneLen)},
	}
}
