package screen_test

import (
	"bytes"
	"fmt"
	"testing"

	"hotcell/process/terminal/screen"
)

func BenchmarkWrite(b *testing.B) {
	texts := map[string]func(i int) string{
		"seq": func(i int) string { return fmt.Sprintf("%d\r\n", i) },
		"log": func(i int) string {
			return fmt.Sprintf("line %d of a log file with some ordinary words in it, as they are\r\n", i)
		},
		"colour": func(i int) string {
			return fmt.Sprintf("\x1b[1;32mok\x1b[0m %d \x1b[38;5;240mpkg/name\x1b[m 0.%ds\r\n", i, i%10)
		},
		"cjk": func(i int) string { return fmt.Sprintf("行 %d 普通の文字がいくつかある\r\n", i) },
	}
	for name, line := range texts {
		b.Run(name, func(b *testing.B) {
			var text bytes.Buffer
			for i := 0; text.Len() < 1<<20; i++ {
				text.WriteString(line(i))
			}
			s := screen.New(80, 24)
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				_, _ = s.Write(text.Bytes())
			}
		})
	}
}
