package sessions

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/request"
	"hotcell/process/session"
)

// format is how a client wants the two streams of a log told apart, which
// depends on its age.
type format int

const (
	// plain: they aren't.
	plain format = iota
	// marked: each piece begins with its stream's marker, and the client splits.
	marked
	// split: JSON has both; only what is followed is marked.
	split
)

// Markers of the streams. Nothing escapes them: output that contains
// one is told apart wrongly by every client.
const (
	markStdout = "\x01\x01\x01"
	markStderr = "\x02\x02\x02"
)

// Versions with which the SDKs' ways changed.
const (
	markedSince = 27  // 0.27.0
	splitSince  = 167 // 0.167.0
)

// formatFor looks at the SDK's version. Whoever names none is a person with
// curl, or older than versions.
func formatFor(c *fiber.Ctx) format {
	version := request.SDKVersion(c)
	if version == "" {
		if c.Get("X-Daytona-Split-Output") == "true" {
			return marked
		}
		return plain
	}
	return formatOf(version)
}

// formatOf takes 0.218.0, v0.205.1, 0.191.0a1, 0.0.0-dev; and unknown, which
// newer SDKs say of themselves when they were packed into another program.
func formatOf(version string) format {
	if strings.Contains(version, "dev") || version == "unknown" {
		return split
	}
	majorText, rest, ok := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minorText, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(majorText)
	minor, err2 := strconv.Atoi(minorText)
	switch {
	case !ok || err != nil || err2 != nil || major < 0 || minor < 0:
		return marked
	case major > 0 || minor >= splitSince:
		return split
	case minor >= markedSince:
		return marked
	default:
		return plain
	}
}

// appendFrame appends text of a stream as a client that follows it reads it.
func (f format) appendFrame(dst []byte, kind session.Kind, text string) []byte {
	if f != plain {
		dst = append(dst, marker(kind)...)
	}
	return append(dst, text...)
}

func marker(kind session.Kind) string {
	if kind == session.Stderr {
		return markStderr
	}
	return markStdout
}
