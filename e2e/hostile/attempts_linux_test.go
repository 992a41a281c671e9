package hostile_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// attempt is something that code tries.
type attempt struct {
	name string
	by   way
	code string
	env  map[string]string // of the context, the command, the session …

	// stopped is a pattern for all that its author reads.
	stopped string
	// process is the same without namespaces, where that is another, and users where
	// sandboxes have users besides. unpromised is where nothing stops it, as
	// docs/isolation.md says: it isn't tried.
	process, users string
	// none tells that it has to be stopped without any isolation, too, and in the
	// same words.
	none bool
	// amd64 tells that the code has instructions of that machine.
	amd64 bool
	// here is more to check, after it.
	here func(t *testing.T, s *scene, told string)
}

const unpromised = "-"

// wants is what is read in this kind of isolation.
func (a attempt) wants(k kind) string {
	want := a.stopped
	switch {
	case k.mode == "none" && !a.none:
		return unpromised
	case k.reaches && a.process == unpromised && a.users != "":
		want = a.users
	case k.mode == "process" && k.users && !k.reaches && a.users != "":
		want = a.users
	case k.mode == "process" && a.process != "":
		want = a.process
	}
	return want
}

// group is attempts of one kind, which are made one after the other in one sandbox.
type group struct {
	name     string
	apart    bool // each has a sandbox of its own: they would be in each other's way
	heavy    bool // they take what all share, so that nothing else is done beside
	attempts []attempt
}

func groups() []group {
	return []group{
		{name: "escapes", attempts: escapes()},
		{name: "reads", attempts: reads()},
		{name: "signals", attempts: signals()},
		{name: "descriptors", attempts: descriptors()},
		{name: "forged frames", attempts: forged()},
		{name: "planted files", apart: true, attempts: planted()},
		{name: "the environment", apart: true, attempts: environment()},
		{name: "exhaustion", heavy: true, attempts: exhaustion()},
		{name: "limits", heavy: true, attempts: limits()},
	}
}

// all makes the attempts of all groups: those who mean to see, to take and to leave at
// the same time, each from its own sandbox, and then, one after the other, those who use
// up.
func (s *scene) all(t *testing.T) {
	t.Helper()
	var beside sync.WaitGroup
	for _, g := range groups() {
		if !g.heavy {
			beside.Go(func() { t.Run(g.name, func(t *testing.T) { s.play(t, g) }) }) // ends with its attempts; joined below
		}
	}
	beside.Wait()
	s.alone.Lock()
	defer s.alone.Unlock()
	for _, g := range groups() {
		if g.heavy {
			t.Run(g.name, func(t *testing.T) { s.play(t, g) })
		}
	}
}

// play makes the attempts of a group.
func (s *scene) play(t *testing.T, g group) {
	t.Helper()
	s = &scene{Program: s.Program, common: s.common, box: s.newSandbox(t)}
	for _, a := range g.attempts {
		want := a.wants(s.kind)
		if want == unpromised {
			continue
		}
		if a.amd64 && !onAMD64 {
			t.Logf("%s: it is for another machine", a.name)
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			if g.apart {
				s.box = s.newSandbox(t)
			}
			pattern := regexp.MustCompile(`\A(?s:` + s.words(want) + `)\z`)
			s.undisturbed(t, func() error {
				told, err := a.by(s, s.box, s.words(a.code), a.env)
				if err != nil {
					return err
				}
				for _, secret := range s.secrets() {
					if strings.Contains(told, secret) {
						return fmt.Errorf("it has got %s: %s", secret, told)
					}
				}
				if told = ends(strings.TrimSpace(told)); !pattern.MatchString(told) {
					return fmt.Errorf("it reads\n%.2000s\nand not %s", told, want)
				}
				if a.here != nil {
					a.here(t, s, told)
				}
				return nil
			})
		})
	}
}

// ends is both ends of a long text: matching a pattern against 100 MB takes longer than
// making them.
func ends(told string) string {
	const most = 32 << 10
	if len(told) <= 2*most {
		return told
	}
	return told[:most] + told[len(told)-most:]
}
