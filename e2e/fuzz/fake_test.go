package fuzz_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hotcell/e2e/testserver"
	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// driverVar makes the test binary a driver.
const driverVar = "HOTCELL_FUZZ_DRIVER"

func TestMain(m *testing.M) {
	if os.Getenv(driverVar) != "" {
		drive()
		return
	}
	testserver.Main(m)
}

// harmless is a language whose code does nothing: what a fuzzer makes up must
// not be run.
type harmless struct{}

func (harmless) Info() runtimes.Info {
	return runtimes.Info{
		Name: "harmless", Languages: []string{"python", "javascript", "typescript", "go"},
		Aliases: []string{"py=python", "js=javascript", "ts=typescript"}, Version: "1",
	}
}

func (harmless) Start(ctx context.Context, _ runtimes.Spec) (*runtimes.Kernel, error) {
	return runtimes.Launch(ctx, child.Spec{Path: os.Args[0], Env: []string{driverVar + "=1"}})
}

func (harmless) Translate(_, code string) (string, *runtimes.UserError) { return code, nil }
func (harmless) Close() error                                           { return nil }

// drive answers a server as a driver, and says how long the code was.
func drive() {
	conn := os.NewFile(wire.ProtocolFD, "protocol")
	syscall.CloseOnExec(wire.ProtocolFD)
	say := func(m wire.Message) { _ = wire.WriteFrame(conn, m) }
	say(wire.Message{Type: wire.MsgHello, Protocol: wire.ProtocolVersion, Language: "harmless", Version: "1"})
	for {
		var r wire.Request
		if wire.ReadFrame(conn, &r) != nil {
			return
		}
		switch r.Type {
		case wire.ReqConfigure:
			say(wire.Message{Type: wire.MsgReady})
		case wire.ReqExecute:
			fmt.Println(len(r.Code))
			if strings.Contains(r.Code, "input") {
				say(wire.Message{Type: wire.MsgInputRequest, ID: r.ID, Prompt: "? "})
				var reply wire.Request
				if wire.ReadFrame(conn, &reply) != nil {
					return
				}
			}
			text, _ := json.Marshal(strconv.Itoa(len(r.Code)))
			say(wire.Message{Type: wire.MsgResult, ID: r.ID, Bundle: wire.Bundle{"text/plain": text}})
			say(wire.Message{Type: wire.MsgDone, ID: r.ID, Status: "ok"})
		case wire.ReqComplete:
			say(wire.Message{Type: wire.MsgCompleteReply, ID: r.ID})
		case wire.ReqInspect:
			say(wire.Message{Type: wire.MsgInspectReply, ID: r.ID})
		case wire.ReqIsComplete:
			say(wire.Message{Type: wire.MsgIsCompleteReply, ID: r.ID, Status: "complete"})
		case wire.ReqShutdown:
			return
		}
	}
}
