package node_test

import (
	"context"
	"syscall"
	"testing"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

func BenchmarkStart(b *testing.B) {
	r := newRuntime(b)
	for b.Loop() {
		k, err := r.Start(context.Background(), runtimes.Spec{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = k.Process.Signal(syscall.SIGKILL)
		<-k.Process.Done()
		_, _, _ = k.Conn.Close(), k.Stdout.Close(), k.Stderr.Close()
		b.StartTimer()
	}
}

func BenchmarkExecute(b *testing.B) {
	c := newClient(b)
	for _, code := range []string{"1+1", "({a: 1})", "await 1", "console.log(1)"} {
		b.Run(code, func(b *testing.B) {
			for b.Loop() {
				c.begin(wire.Request{Code: code})
				c.finish()
			}
		})
	}
}

func BenchmarkTranslate(b *testing.B) {
	r := newRuntime(b)
	for _, test := range []struct{ name, language, code string }{
		{"plain", "javascript", "const x = 1; x + 1"},
		{"import", "javascript", "import fs from 'node:fs'; fs.readdirSync('.')"},
		{"typescript", "typescript", "interface A { a: number }\nconst x: A = {a: 1}\nx.a satisfies number"},
	} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				if _, fault := r.Translate(test.language, test.code); fault != nil {
					b.Fatal(fault)
				}
			}
		})
	}
}
