package session

import (
	"os"
)

// stage is what one command runs on: its text, its input and its two pipes,
// under the names that the shell knows. A command's processes keep the pipes for as
// long as they like; the next command gets others.
type stage struct {
	sh                    *shell
	stdin, stdout, stderr channel
}

// prepare sets the stage. Without input, stdin is at its end.
func (sh *shell) prepare(text string, input bool) (*stage, error) {
	st := &stage{sh: sh}
	if err := st.set(text, input); err != nil {
		for _, c := range []channel{st.stdin, st.stdout, st.stderr} {
			c.close()
		}
		sh.clear()
		return nil, err
	}
	return st, nil
}

func (st *stage) set(text string, input bool) (err error) {
	sh := st.sh
	if err = os.WriteFile(sh.file(nameCommand), []byte(text), 0o600); err != nil {
		return err
	}
	if !input {
		err = os.Symlink(os.DevNull, sh.file(nameStdin))
	} else {
		st.stdin, err = openChannel(sh.file(nameStdin))
	}
	if err != nil {
		return err
	}
	if st.stdout, err = openChannel(sh.file(nameStdout)); err != nil {
		return err
	}
	st.stderr, err = openChannel(sh.file(nameStderr))
	return err
}

// strike takes the stage down when the command has ended. Our own ends of the
// pipes stay with whoever uses them; the others, which kept the pipes from
// seeming to be at their end before the shell had opened them, go.
func (st *stage) strike() {
	for _, f := range []*os.File{st.stdin.r, st.stdout.w, st.stderr.w} {
		if f != nil {
			_ = f.Close()
		}
	}
	st.sh.clear()
}

// clear removes a command's names.
func (sh *shell) clear() {
	for _, name := range []string{nameCommand, nameStdin, nameStdout, nameStderr} {
		_ = os.Remove(sh.file(name))
	}
}
