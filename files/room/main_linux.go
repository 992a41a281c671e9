package room

import (
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"hotcell/files"
	"hotcell/process"
)

// controlFD is where an agent is given its calls.
const controlFD = 3

// Main is the agent: it serves the files of the work directory that args name,
// until the server hangs up. It returns the exit code.
func Main(args []string) int {
	if len(args) != 1 {
		return 2
	}
	file := os.NewFile(controlFD, "control")
	conn, err := net.FileConn(file)
	_ = file.Close()
	control, ok := conn.(*net.UnixConn)
	if err != nil || !ok {
		fmt.Fprintf(os.Stderr, "hotcell: no server at descriptor %d: %v\n", controlFD, err)
		return 2
	}
	Serve(control, files.Of(process.Place{Dir: args[0]}))
	return 0
}

// Serve answers calls on files until the server hangs up, and returns when what
// was under way is over.
//
// Goroutines: a few for each call, which end with it.
func Serve(control *net.UnixConn, tree files.Tree) {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		open = map[net.Conn]struct{}{}
	)
	for {
		conn, err := receive(control)
		if err != nil {
			break
		}
		if conn == nil {
			continue
		}
		mu.Lock()
		open[conn] = struct{}{}
		mu.Unlock()
		// Ends with the call's connection.
		wg.Go(func() {
			serve(conn, tree)
			mu.Lock()
			defer mu.Unlock()
			delete(open, conn)
		})
	}
	mu.Lock()
	for conn := range open {
		_ = conn.Close()
	}
	mu.Unlock()
	wg.Wait()
}

// receive takes the next call; nil if there was something wrong with it.
func receive(control *net.UnixConn) (net.Conn, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := control.ReadMsgUnix(make([]byte, 1), oob)
	if err != nil {
		return nil, err
	}
	if n == 0 && oobn == 0 {
		return nil, net.ErrClosed
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, nil //nolint:nilnil // no descriptor was left for it: the server sees its end closed
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, nil //nolint:nilnil // as above
	}
	file := os.NewFile(uintptr(fds[0]), "call")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, nil //nolint:nilnil // as above
	}
	return conn, nil
}
