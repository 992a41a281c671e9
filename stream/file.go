package stream

import "os"

// nameless makes a file and removes its name at once.
func nameless(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "journal-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name())
	return f, nil
}
