package session

import (
	"errors"
	"os"
)

// stage is what one command runs on: its text, its input and its two pipes,
// under the names that the shell knows. A command's processes keep the pipes for as
// long as they like; then the next command gets others.
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
	if err = sh.writeCommand(text); err != nil {
		return err
	}
	if !input {
		if err = os.Symlink(os.DevNull, sh.file(nameStdin)); errors.Is(err, os.ErrExist) {
			err = nil // the last one had no input either
		}
	} else {
		_ = os.Remove(sh.file(nameStdin))
		st.stdin, err = sh.openChannel(nameStdin)
	}
	if err != nil {
		return err
	}
	if st.stdout, err = sh.openChannel(nameStdout); err != nil {
		return err
	}
	st.stderr, err = sh.openChannel(nameStderr)
	return err
}

// hangUp gives up the ends of the pipes that kept them from seeming to be at
// their end before the shell had opened them. Our own ends stay with whoever
// uses them.
func (st *stage) hangUp() {
	for _, f := range []*os.File{st.stdin.r, st.stdout.w, st.stderr.w} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// strike takes the stage down. What nobody holds any more serves again: making a
// named pipe takes longer than all the rest.
func (st *stage) strike(held bool) {
	if st.stdin.w != nil {
		_ = os.Remove(st.sh.file(nameStdin))
	}
	if held {
		_ = os.Remove(st.sh.file(nameStdout))
		_ = os.Remove(st.sh.file(nameStderr))
	}
}

// clear removes a command's names.
func (sh *shell) clear() {
	for _, name := range []string{nameCommand, nameStdin, nameStdout, nameStderr} {
		_ = os.Remove(sh.file(name))
	}
}
