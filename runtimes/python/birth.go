package python

import "strings"

// What the interpreter, the dynamic linker, the allocator and the numeric
// libraries read once, when they start: too late for a fork of the template.
// LC_* and LANG are not among them, since the driver reads and writes UTF-8
// whatever they say, and a program can set its locale at any time.
const (
	birthPrefixes = "PYTHON LD_ DYLD_ MALLOC_ GLIBC_TUNABLES OMP_ GOMP_ KMP_ OPENBLAS_ GOTO_NUM_THREADS MKL_ BLIS_ VECLIB_ NUMEXPR_"
	// Read by our template's own imports.
	birthNames = "MPLCONFIGDIR MPLBACKEND TZDIR IPYTHONDIR"
)

// BirthEnv returns the variables of env that only take effect at the start of
// an interpreter, or nil.
func (r *Runtime) BirthEnv(env map[string]string) map[string]string {
	var born map[string]string
	for name, value := range env {
		if !isBirth(name) {
			continue
		}
		if born == nil {
			born = make(map[string]string)
		}
		born[name] = value
	}
	return born
}

func isBirth(name string) bool {
	for n := range strings.FieldsSeq(birthNames) {
		if name == n {
			return true
		}
	}
	for prefix := range strings.FieldsSeq(birthPrefixes) {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
