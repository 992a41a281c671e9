//go:build !linux

package python

import "os"

// sealedFile keeps the text in a file that has no name any more.
func sealedFile(dir string, text []byte) (*os.File, error) {
	f, err := os.CreateTemp(dir, "hotcell-driver-*")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(f.Name()); err == nil {
		if _, err = f.Write(text); err == nil {
			return f, nil
		}
	}
	_ = f.Close()
	return nil, err
}
