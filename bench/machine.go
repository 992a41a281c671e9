package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is where and when something was measured.
type machine struct {
	Date    string            `json:"date"`
	CPU     string            `json:"cpu"`
	Cores   int               `json:"cores"`
	System  string            `json:"system"`
	Load    string            `json:"load"` // before anything was measured
	Against map[string]string `json:"against"`
	Took    string            `json:"took"`
	// Isolation is what was around the server's sandboxes.
	Isolation string `json:"isolation"`
}

// look describes this machine, as far as it tells.
func look(ctx context.Context, l *lab) machine {
	m := machine{Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Cores: runtime.NumCPU(), CPU: cpu()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.System = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	a, err := l.rival.ask("versions", nil)
	if err != nil {
		l.log.LogAttrs(ctx, slog.LevelWarn, "ask for versions", slog.Any("error", err))
	}
	m.Against = a.Versions
	return m
}

func cpu() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func (m machine) String() string {
	return fmt.Sprintf("isolation %s; %s; %s, %d cores, %s, load before %s; Python %s, ipykernel %s, jupyter_client %s; took %s",
		m.Isolation, m.Date, m.CPU, m.Cores, m.System, m.Load,
		m.Against["python"], m.Against["ipykernel"], m.Against["jupyter_client"], m.Took)
}
