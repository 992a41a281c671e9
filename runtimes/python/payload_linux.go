package python

import (
	"os"

	"golang.org/x/sys/unix"
)

// sealedFile keeps the text in memory, where not even its owner can change it.
func sealedFile(_ string, text []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("hotcell-driver", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "hotcell-driver")
	if _, err := f.Write(text); err != nil {
		_ = f.Close()
		return nil, err
	}
	seals := unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		_ = f.Close()
		return nil, os.NewSyscallError("seal memfd", err)
	}
	return f, nil
}
