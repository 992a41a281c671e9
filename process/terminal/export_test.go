package terminal

// Held reports whether the program waits for its clients.
func (t *Terminal) Held() bool {
	n, _ := t.tape.check()
	return n == 0
}
