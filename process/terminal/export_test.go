package terminal

// Held reports whether the program waits for its clients.
func (t *Terminal) Held() bool {
	n, _ := t.tape.check()
	return n == 0
}

// Printed is how much the program has printed.
func (t *Terminal) Printed() int {
	t.tape.mu.Lock()
	defer t.tape.mu.Unlock()
	return int(t.tape.head)
}
