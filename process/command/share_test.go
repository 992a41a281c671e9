package command_test

import (
	"errors"
	"strings"
	"testing"

	"hotcell/process/command"
)

// TestShare: one sandbox can't keep others from running commands.
func TestShare(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *command.Config) { c.Limit, c.Share = 2, 1 })
	p, other := place(t), place(t)
	other.Sandbox = "other"
	c, err := s.Start(t.Context(), command.Spec{Place: p, Text: "sleep 600"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Run(t.Context(), command.Spec{Place: p, Text: "true"})
	if !errors.Is(err, command.ErrTooMany) || !strings.Contains(err.Error(), "this sandbox runs 1 commands already, which is its share") {
		t.Errorf("%v", err)
	}
	if o, _ := run(t, s, command.Spec{Place: other, Text: "true"}); o.Code != 0 {
		t.Errorf("another sandbox: %+v", o)
	}
	if err := s.End(t.Context(), "sb"); err != nil {
		t.Error(err)
	}
	<-c.Done()
	if o, _ := run(t, s, command.Spec{Place: p, Text: "true"}); o.Code != 0 {
		t.Errorf("when there is room again: %+v", o)
	}
}
