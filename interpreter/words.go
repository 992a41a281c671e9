package interpreter

import (
	"fmt"
	"strings"
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
