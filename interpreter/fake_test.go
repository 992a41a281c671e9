package interpreter_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// fakeVar makes the test binary a driver whose cells are orders: one a line,
// a verb and its argument.
const fakeVar = "HOTCELL_FAKE_DRIVER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeVar); mode != "" {
		fakeDriver(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

// spawn starts a fake driver in the given mode.
func spawn(mode string) func(context.Context) (*runtimes.Kernel, error) {
	return func(ctx context.Context) (*runtimes.Kernel, error) {
		return runtimes.Launch(ctx, child.Spec{Path: os.Args[0], Env: []string{fakeVar + "=" + mode}})
	}
}

// fake is the driver's state.
type fake struct {
	conn  *os.File
	sig   chan os.Signal
	names []string
	in    chan wire.Request
}

func fakeDriver(mode string) {
	f := &fake{conn: os.NewFile(wire.ProtocolFD, "protocol"), sig: make(chan os.Signal, 8), in: make(chan wire.Request)}
	syscall.CloseOnExec(wire.ProtocolFD)
	signal.Notify(f.sig, syscall.SIGINT)
	switch mode {
	case "bad-hello":
		f.say(wire.Message{Type: "good morning"})
	case "mute":
		fmt.Fprintln(os.Stderr, "no such module: sys")
		os.Exit(7)
	default:
		f.say(wire.Message{Type: wire.MsgHello, Protocol: wire.ProtocolVersion, Language: "fake", Version: "1.0"})
	}
	go func() {
		for {
			var r wire.Request
			if wire.ReadFrame(f.conn, &r) != nil {
				os.Exit(0)
			}
			f.in <- r
		}
	}()
	for r := range f.in {
		f.serve(r)
	}
}

func (f *fake) say(m wire.Message) { _ = wire.WriteFrame(f.conn, m) }

func (f *fake) serve(r wire.Request) {
	switch r.Type {
	case wire.ReqConfigure:
		if r.Env["SILENT"] != "" {
			return
		}
		if r.Env["REFUSE"] != "" {
			f.say(wire.Message{Type: wire.MsgRefused, Value: r.Env["REFUSE"]})
			return
		}
		f.say(wire.Message{Type: wire.MsgReady})
	case wire.ReqComplete:
		if r.Code == "hang" {
			return
		}
		if r.Code == "hang until SIGINT" {
			<-f.sig
		}
		f.say(wire.Message{Type: wire.MsgCompleteReply, ID: r.ID, Matches: []wire.Match{{Text: r.Code + "!"}}, End: r.Cursor})
	case wire.ReqExecute:
		for len(f.sig) > 0 {
			<-f.sig
		}
		status := "ok"
		for line := range strings.SplitSeq(r.Code, "\n") {
			verb, arg, _ := strings.Cut(line, " ")
			if status = f.obey(r.ID, verb, arg); status != "ok" {
				break
			}
		}
		f.say(wire.Message{Type: wire.MsgDone, ID: r.ID, Status: status, Names: f.names})
	}
}

// frame says what need not be a message.
func (f *fake) frame(body string) {
	body = strings.ReplaceAll(body, "BYTE", "\xff") // which an order can't hold
	_, _ = f.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
}

// obey does one order and says how the cell stands after it.
func (f *fake) obey(id, verb, arg string) string {
	n, _ := strconv.Atoi(arg)
	switch verb {
	case "end": // in a word that no driver says
		return arg
	case "comment":
	case "displays-after-done":
		f.say(wire.Message{Type: wire.MsgDone, ID: id, Status: "ok", Names: f.names})
		for range n {
			f.say(wire.Message{Type: wire.MsgDisplay, Bundle: wire.Bundle{"text/plain": json.RawMessage(strconv.Quote(strings.Repeat("x", 100_000)))}})
		}
	case "echo":
		fmt.Println(arg)
	case "raw":
		text, _ := strconv.Unquote(`"` + arg + `"`)
		_, _ = os.Stdout.WriteString(text)
	case "warn":
		fmt.Fprintln(os.Stderr, arg)
	case "name":
		f.names = append(f.names, arg)
	case "flood":
		chunk := []byte(strings.Repeat("0123456789abcde\n", 4096))
		for ; n > 0; n -= len(chunk) {
			_, _ = os.Stdout.Write(chunk[:min(n, len(chunk))])
		}
	case "letters":
		for range n {
			_, _ = os.Stdout.Write([]byte("x"))
		}
	case "display":
		f.say(wire.Message{Type: wire.MsgDisplay, ID: id, Bundle: wire.Bundle{"text/plain": json.RawMessage(strconv.Quote(arg))}, Ack: true})
		<-f.in
	case "result":
		f.say(wire.Message{Type: wire.MsgResult, ID: id, Bundle: wire.Bundle{"text/plain": json.RawMessage(strconv.Quote(arg))}})
	case "ask":
		f.say(wire.Message{Type: wire.MsgInputRequest, ID: id, Prompt: arg})
		r := <-f.in
		fmt.Printf("got %q eof=%v\n", r.Value, r.EOF)
	case "raise":
		f.say(wire.Message{Type: wire.MsgError, ID: id, Name: arg, Value: "raised", Traceback: "Traceback\n" + arg})
		return "error"
	case "hang":
		<-f.sig
		f.say(wire.Message{Type: wire.MsgError, ID: id, Name: "KeyboardInterrupt", Traceback: "in hang"})
		return "interrupted"
	case "lose-first-sigint":
		<-f.sig
		return f.obey(id, "hang", "")
	case "ignore-sigint":
		for {
			<-f.sig
		}
	case "exit":
		os.Exit(n)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.Signal(n))
		<-make(chan int)
	case "hang-up":
		_ = syscall.Shutdown(wire.ProtocolFD, syscall.SHUT_WR)
		<-make(chan int)
	case "garbage":
		_, _ = f.conn.Write([]byte("\xff\xff\xff\xffgarbage"))
		<-make(chan int)
	case "frame":
		f.frame(arg)
		<-make(chan int)
	case "frame-later":
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGUSR1)
		go func() {
			<-told
			f.frame(arg)
		}()
	case "grandchild":
		cmd := exec.Command("/bin/sleep", "600")
		cmd.Stdout = os.Stdout
		_ = cmd.Start()
		fmt.Println(cmd.Process.Pid)
	case "stray":
		cmd := exec.Command("/bin/sleep", "600")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		_ = cmd.Start()
		fmt.Println(cmd.Process.Pid)
	case "later":
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGUSR1)
		go func() {
			<-told
			fmt.Println(arg)
			_ = syscall.Kill(os.Getppid(), syscall.SIGUSR2) // tells the test that it is written
		}()
	}
	return "ok"
}
