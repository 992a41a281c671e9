package interpreter

import (
	"fmt"
	"strings"

	"hotcell/internal/wire"
)

// namesShown is how many lost names a sentence lists; the event has all.
const namesShown = 20

// lostWords says which variables are gone: "x, y and 3 more were lost".
func lostWords(names []string, more int) string {
	if len(names) == 0 {
		return "no variables were lost"
	}
	shown := names
	if len(shown) > namesShown {
		more += len(shown) - namesShown
		shown = shown[:namesShown]
	}
	list := strings.Join(shown, ", ")
	if more > 0 {
		return fmt.Sprintf("its variables are lost: %s and %d more", list, more)
	}
	return "its variables are lost: " + list
}

// lostNotice is what the first execution in a new kernel begins with.
func lostNotice(language, how string, names []string, more int) string {
	return fmt.Sprintf("This is a new %s kernel; the one before ended: %s. %s.", language, how, capital(lostWords(names, more)))
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func discardedNotice(n int64) string {
	return fmt.Sprintf("%d more bytes of output were discarded", n)
}

func backgroundNotice(n int) string {
	return fmt.Sprintf("%d bytes that the context wrote between executions were discarded: at most %d are kept", n, backgroundLimit)
}

func leftOutNotice(kind wire.EventType, err error) string {
	return fmt.Sprintf("A %s was left out: %v.", kind, err)
}

// reducedText is how much stays of a text of which no log keeps the whole.
const reducedText = 64 << 10

// reduced is an error or a notice without what can make it too large to be kept.
func reduced(ev wire.Event) wire.Event {
	cut := func(s string) string {
		if len(s) <= reducedText {
			return s
		}
		return strings.ToValidUTF8(s[:reducedText], "") + "…"
	}
	ev.LostMore += len(ev.Lost)
	ev.Lost = nil
	ev.Name, ev.Value, ev.Text, ev.Traceback = cut(ev.Name), cut(ev.Value), cut(ev.Text), cut(ev.Traceback)
	return ev
}

// joinWords joins what is not empty with semicolons.
func joinWords(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "; ")
}
