// Package driver is the part of the Go runtime that runs inside a kernel: a
// process of the server's own program, started anew with nothing else in it.
//
// Goroutines: one reads frames and one runs the cell; what user code starts is
// its own. All end with the process, which ends when the protocol's descriptor
// does.
package driver

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"hotcell/internal/wire"
)

// maxStack bounds one goroutine's stack: some 200,000 calls deep. Runaway
// recursion ends the process, as it does in Go; since a stack grows by
// copying, it takes twice this before it does.
const maxStack = 256 << 20

// Main is the whole life of a kernel. It returns the exit status.
func Main() int {
	debug.SetMaxStack(maxStack)
	c, err := openConn(wire.ProtocolFD)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hotcell go driver:", err)
		return 2
	}
	std, err := keepStreams()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hotcell go driver:", err)
		return 2
	}
	k, err := newKernel(c, std)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hotcell go driver:", err)
		return 2
	}
	k.takeSignals()
	hello := wire.Message{Type: wire.MsgHello, Protocol: wire.ProtocolVersion, Language: "go", Version: Version()}
	if err := c.send(hello); err != nil {
		return 2
	}
	go c.read() // ends with the descriptor
	return k.serve()
}

// Version is that of the standard library and of the language.
func Version() string {
	v, _, _ := strings.Cut(strings.TrimPrefix(runtime.Version(), "go"), " ")
	return v
}
