package cli

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"hotcell/internal/cgroup"
	"hotcell/internal/child"
	"hotcell/internal/disk"
	"hotcell/sandboxes"
	"hotcell/sandboxes/limits"
)

// limitFlags are what sandboxes and what runs in them may have.
type limitFlags struct {
	SandboxMemory    size          `help:"The memory of a sandbox: bytes, with a unit such as 4GiB, or a part of the machine's such as 50%. 0 is no limit. Default: 75%." default:"75%" placeholder:"SIZE" group:"Limits"`
	SandboxCPU       float64       `name:"sandbox-cpu" help:"How many processors a sandbox may use at once, such as 1.5. 0 is all; then they share equally." default:"0" placeholder:"N" group:"Limits"`
	SandboxProcesses int           `help:"The processes and threads of a sandbox. 0 is no limit. Default here: ${sandboxprocesses}." default:"${sandboxprocesses}" placeholder:"N" group:"Limits"`
	SandboxFiles     int           `help:"The descriptors that each process of a sandbox may have open. 0 is no limit. Default: 65536." default:"65536" placeholder:"N" group:"Limits"`
	SandboxFileSize  size          `help:"The size of a file that a process of a sandbox writes. 0 is no limit." default:"0" placeholder:"SIZE" group:"Limits"`
	ContextMemory    size          `help:"The memory of each context, command, script, session and terminal in a sandbox. 0 is no limit but the sandbox's." default:"0" placeholder:"SIZE" group:"Limits"`
	ContextCPU       float64       `name:"context-cpu" help:"How many processors each of them may use at once. 0 is all of the sandbox's." default:"0" placeholder:"N" group:"Limits"`
	ContextProcesses int           `help:"The processes and threads of each of them. 0 is no limit but the sandbox's. Default here: ${contextprocesses}." default:"${contextprocesses}" placeholder:"N" group:"Limits"`
	SandboxDisk      size          `help:"The space of a sandbox's work directory and temporary files. 0 is no limit. See docs/limits.md for what it takes." default:"0" placeholder:"SIZE" group:"Limits"`
	SandboxContexts  *int          `help:"The contexts of a sandbox. 0 is no limit but --max-contexts. Default: three quarters of that, so that one sandbox leaves some to others." placeholder:"N" group:"Limits"`
	SandboxCommands  int           `help:"The commands that a sandbox may run at once, of the server's 256. 0 is all. Default: 192." default:"192" placeholder:"N" group:"Limits"`
	SandboxRuns      int           `help:"The programs that a sandbox may run once at the same time (code-run), of the server's 100. 0 is all. Default: 75." default:"75" placeholder:"N" group:"Limits"`
	SandboxIdle      time.Duration `help:"Stop sandboxes in which nothing has happened for so long, if they don't ask for less. Not the default one. 0 is never." default:"0" group:"Limits"`
	SandboxLifetime  time.Duration `help:"Delete sandboxes that are so old, if they don't ask for less. Not the default one. 0 is never." default:"0" group:"Limits"`
	ContextQueue     int           `help:"The executions that may wait in a context. Default: 256." default:"256" placeholder:"N" group:"Limits"`
	ContextLifetime  time.Duration `help:"End contexts that are so old, whatever runs in them. 0 is never." default:"0" group:"Limits"`
	ExecutionOutput  size          `help:"What one execution may put out. Default: 1GiB." default:"1GiB" placeholder:"SIZE" group:"Limits"`
	NoGroups         bool          `help:"Don't use the kernel's groups (cgroups): limits hold for each process alone then." group:"Limits"`
}

const (
	// usualProcesses is a context's limit where few processors are: a pool of workers,
	// each with a few threads, and far below what a machine takes. Where there are
	// many, pools are larger.
	usualProcesses, processesPerCPU = 1024, 64
	// contextsOfLimit is how many contexts at their limits a sandbox may have at once.
	contextsOfLimit = 16
)

// limitVars are the defaults that depend on the machine.
func limitVars() kong.Vars {
	each := max(usualProcesses, processesPerCPU*runtime.NumCPU())
	all := contextsOfLimit * each
	if most := cgroup.MachineProcesses(); most > 0 {
		all = min(all, most/2)
		each = min(each, most/4)
	}
	return kong.Vars{"sandboxprocesses": strconv.Itoa(all), "contextprocesses": strconv.Itoa(each)}
}

func (f *limitFlags) check() error {
	for name, n := range map[string]float64{
		"--sandbox-cpu": f.SandboxCPU, "--context-cpu": f.ContextCPU, "--sandbox-files": float64(f.SandboxFiles),
		"--sandbox-contexts": float64(f.contextShare(0)), "--sandbox-commands": float64(f.SandboxCommands), "--sandbox-runs": float64(f.SandboxRuns),
		"--sandbox-processes": float64(f.SandboxProcesses), "--context-processes": float64(f.ContextProcesses),
	} {
		if n < 0 || math.IsNaN(n) {
			return badUsage("%s must not be negative, it is %g", name, n)
		}
	}
	for name, n := range map[string]time.Duration{
		"--sandbox-idle": f.SandboxIdle, "--sandbox-lifetime": f.SandboxLifetime, "--context-lifetime": f.ContextLifetime,
	} {
		if n < 0 {
			return badUsage("%s must not be negative, it is %s", name, n)
		}
	}
	switch {
	case f.ContextQueue < 1:
		return badUsage("--context-queue must be at least 1, it is %d", f.ContextQueue)
	case f.ExecutionOutput < leastOutput:
		return badUsage("--execution-output must be at least %s, it is %s", child.Bytes(leastOutput), child.Bytes(int64(f.ExecutionOutput)))
	}
	for name, n := range map[string]size{"--sandbox-memory": f.SandboxMemory, "--context-memory": f.ContextMemory} {
		if n > 0 && n < leastMemory {
			return badUsage("%s is %s: not even an interpreter starts with less than %s", name, child.Bytes(int64(n)), child.Bytes(leastMemory))
		}
	}
	if f.SandboxDisk > 0 && f.SandboxDisk < disk.Least {
		return badUsage("--sandbox-disk must be at least %s, it is %s", child.Bytes(disk.Least), child.Bytes(int64(f.SandboxDisk)))
	}
	if f.SandboxFiles > 0 && f.SandboxFiles < leastFiles {
		return badUsage("--sandbox-files is %d: not even an interpreter starts with less than %d", f.SandboxFiles, leastFiles)
	}
	return nil
}

// contextShare is how many of the server's contexts one sandbox may have.
func (f *limitFlags) contextShare(all int) int {
	if f.SandboxContexts != nil {
		return *f.SandboxContexts
	}
	return all - all/4
}

// leastMemory and leastFiles are what a limit may not be below.
const (
	leastMemory = 32 << 20
	leastFiles  = 64
	leastOutput = 64 << 10
)

// config is the limits as they are asked for. All sandboxes together leave a tenth of
// the machine's memory, and half of a gigabyte at the least, to the server and others:
// without that, it would be the system that runs out of it, and chooses whom to kill.
func (f *limitFlags) config() limits.Config {
	cfg := limits.Config{
		Off:     f.NoGroups,
		Sandbox: limits.Limits{Memory: int64(f.SandboxMemory), CPU: f.SandboxCPU, Processes: f.SandboxProcesses, Files: f.SandboxFiles, FileSize: int64(f.SandboxFileSize), Disk: int64(f.SandboxDisk)},
		Context: limits.Limits{Memory: int64(f.ContextMemory), CPU: f.ContextCPU, Processes: f.ContextProcesses},
	}
	if machine := cgroup.MachineMemory(); machine > 0 && f.SandboxMemory > 0 {
		cfg.Server.Memory = max(machine-max(machine/10, 512<<20), machine/2)
	}
	if most := cgroup.MachineProcesses(); most > 0 && f.SandboxProcesses > 0 {
		cfg.Server.Processes = most - most/4
	}
	return cfg
}

func (e *engine) limitsConfig(cfg engineConfig) limits.Config {
	l := cfg.Limits.config()
	l.Dir, l.Log, l.Hit = cfg.Dir, cfg.Log, e.metrics.Limit
	l.Asked = func(id string) sandboxes.Limits {
		sb, err := e.sandboxes.Lookup(id)
		if err != nil {
			return sandboxes.Limits{}
		}
		return sb.Limits
	}
	return l
}

// reportLimits says what bounds sandboxes, and why it isn't more.
func reportLimits(ctx context.Context, s limits.Status, log *slog.Logger) {
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("by", s.Mechanism), slog.String("sandbox", limitWords(s.Sandbox)), slog.String("context", limitWords(s.Context)),
	}
	if s.Reason != "" {
		attrs = append(attrs, slog.String("reason", s.Reason))
	}
	if !s.Memory || !s.Processes {
		level = slog.LevelWarn
	}
	log.LogAttrs(ctx, level, "sandboxes are limited", attrs...)
}

// openDisk settles what bounds the space of sandboxes' files. It comes after what is
// around them, on which that depends.
func (e *engine) openDisk(ctx context.Context, scratch string, log *slog.Logger) {
	e.limits.OpenDisk(scratch, e.isolation.Status().Users)
	s := e.limits.Status()
	if s.Sandbox.Disk == 0 {
		return // there is no limit
	}
	level := slog.LevelInfo
	if s.Disk.Mechanism == disk.None {
		level = slog.LevelWarn
	}
	log.LogAttrs(ctx, level, "what bounds the disk of sandboxes", slog.String("by", s.Disk.Mechanism), slog.String("reason", s.Disk.Reason),
		slog.Int64("bytes", s.Sandbox.Disk))
}

// limitWords are limits in a line: "18 GiB memory, 16384 processes".
func limitWords(l limits.Limits) string {
	var words []string
	if l.Memory > 0 {
		words = append(words, child.Bytes(l.Memory)+" memory")
	}
	if l.CPU > 0 {
		words = append(words, fmt.Sprintf("%g processors", l.CPU))
	}
	if l.Processes > 0 {
		words = append(words, fmt.Sprintf("%d processes", l.Processes))
	}
	if l.Files > 0 {
		words = append(words, fmt.Sprintf("%d descriptors each", l.Files))
	}
	if l.Disk > 0 {
		words = append(words, child.Bytes(l.Disk)+" disk")
	}
	if l.FileSize > 0 {
		words = append(words, "files of "+child.Bytes(l.FileSize))
	}
	if words == nil {
		return "no limits of its own"
	}
	return strings.Join(words, ", ")
}

// size is a number of bytes on the command line.
type size int64

// UnmarshalText takes 4GiB, 500M, 1073741824, and 75% of the machine's memory.
func (s *size) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	if part, ok := strings.CutSuffix(t, "%"); ok {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil || n < 0 || n > 100 {
			return fmt.Errorf("%q is no part of the machine's memory, such as 75%%", t)
		}
		*s = size(float64(cgroup.MachineMemory()) * n / 100)
		return nil
	}
	digits := strings.TrimRight(t, "kKmMgGtTiIbB ")
	n, err := strconv.ParseFloat(digits, 64)
	unit := strings.ToLower(strings.TrimSpace(t[len(digits):]))
	unit = strings.TrimSuffix(strings.TrimSuffix(unit, "b"), "i")
	shift, known := map[string]int{"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[unit]
	if err != nil || !known || n < 0 || n*math.Pow(2, float64(shift)) > math.MaxInt64/2 {
		return fmt.Errorf("%q is no size, such as 512MiB or 4GiB", t)
	}
	*s = size(n * math.Pow(2, float64(shift)))
	return nil
}
