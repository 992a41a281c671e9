package python

import (
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"
)

//go:embed driver/boot.py driver/_hotcell/*.py
var driver embed.FS

// bootstrap is all that stands on the command line. It reads what is on
// descriptor 4, behind the protocol's, and leaves the offset alone: the file
// is shared by all kernels. A kernel never comes back from start. When one
// becomes a script, everything of the driver's has returned by then: this is
// the only frame below the script's own.
const bootstrap = `import os
boot={'__name__':'_hotcell_boot'}
exec(compile(os.pread(4,os.fstat(4).st_size,0),'<hotcell boot>','exec'),boot)
script=boot['start']()
try:exec(script.code,script.names)
except BaseException:script.fail()
script.end()
`

// driverPayload makes a file, on no path that anybody could write to, of
// boot.py with the driver's modules filled in.
func driverPayload(dir string) (*os.File, error) {
	text, err := payloadText()
	if err != nil {
		return nil, fmt.Errorf("read driver: %w", err)
	}
	f, err := sealedFile(dir, text)
	if err != nil {
		return nil, fmt.Errorf("hand over driver: %w", err)
	}
	return f, nil
}

func payloadText() ([]byte, error) {
	boot, err := driver.ReadFile("driver/boot.py")
	if err != nil {
		return nil, err
	}
	entries, err := driver.ReadDir("driver/_hotcell")
	if err != nil {
		return nil, err
	}
	sources := make(map[string]string)
	for _, e := range entries {
		raw, err := driver.ReadFile(path.Join("driver/_hotcell", e.Name()))
		if err != nil {
			return nil, err
		}
		name := "_hotcell." + strings.TrimSuffix(e.Name(), ".py")
		if e.Name() == "__init__.py" {
			name = "_hotcell"
		}
		sources[name] = string(raw)
	}
	// A JSON object of strings is a Python dict as well.
	literal, err := json.Marshal(sources)
	if err != nil {
		return nil, err
	}
	const place = "SOURCES: dict[str, str] = {}"
	return []byte(strings.Replace(string(boot), place, "SOURCES = "+string(literal), 1)), nil
}
