package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is the version of a build that was told none.
const release = "0.1.0"

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(a *app) error {
	_, err := fmt.Fprintf(a.term.Out, "hotcell %s (%s, %s/%s)\n", a.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// versionOr is what the linker was told, or else the release, with the commit
// that it was built from if the build knew it.
func versionOr(linked string) string {
	if linked != "" {
		return linked
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return release + "+" + s.Value[:12]
		}
	}
	return release
}
