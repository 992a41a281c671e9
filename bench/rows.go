package main

import (
	"context"

	"hotcell/bench/report"
)

// scenario measures one group of rows, once.
type scenario struct {
	group string
	run   func(ctx context.Context, l *lab, round int) error
	once  bool // after all rounds, instead of in each
}

func scenarios() []scenario {
	return []scenario{
		{group: "life", run: lifecycle},
		{group: "run", run: singleRuns},
		{group: "row", run: inARow},
		{group: "output", run: output},
		{group: "fleet", run: fleet},
		{group: "other", run: others},
		{group: "command", run: commands},
		{group: "session", run: sessions},
		{group: "sandbox", run: newSandboxes},
		{group: "memory", run: footprint, once: true},
	}
}

// rows is the table. Budgets are the project's; Daytona's numbers are of its
// own server, measured on another day on two cores like these.
func rows() []report.Row {
	const ms, s, mb = report.Milliseconds, report.Seconds, report.Megabytes
	python, fork, shell := "python -c", "create.python", "sh -c"
	return []report.Row{
		{Group: "life", What: "create Python with pandas and matplotlib, to first result; parked, native", Unit: ms, Ours: "create.native.parked", Theirs: "create.ipykernel", Beside: fork, Other: python, Budget: 3},
		{Group: "life", What: "… of which until the context is there", Unit: ms, Ours: "made.native.parked", Beside: "create.echo", Other: "echo after a rest"},
		{Group: "life", What: "… parked, Daytona SDK's way", Unit: ms, Ours: "create.daytona.parked", Theirs: "create.ipykernel", Beside: fork, Other: python, Budget: 3, Reference: 44},
		{Group: "life", What: "… parked, native, right after thirty runs elsewhere", Unit: ms, Ours: "create.native.parked, in use", Budget: 3},
		{Group: "life", What: "… parked, Daytona SDK's way, likewise", Unit: ms, Ours: "create.daytona.parked, in use", Budget: 3},
		{Group: "life", What: "… not parked, native", Unit: ms, Ours: "create.native.fresh", Theirs: "create.ipykernel", Beside: fork, Other: python, Budget: 10},
		{Group: "life", What: "… of which until the context is there", Unit: ms, Ours: "made.native.fresh", Beside: "create.echo", Other: "echo after a rest"},
		{Group: "life", What: "… not parked, Daytona SDK's way", Unit: ms, Ours: "create.daytona.fresh", Theirs: "create.ipykernel", Beside: fork, Other: python, Budget: 10, Reference: 44},
		{Group: "life", What: "… not parked, native, right after thirty runs elsewhere", Unit: ms, Ours: "create.native.fresh, in use", Budget: 10},
		{Group: "life", What: "… not parked, Daytona SDK's way, likewise", Unit: ms, Ours: "create.daytona.fresh, in use", Budget: 10},
		{Group: "life", What: "first plot in a new context, to its PNG", Unit: ms, Ours: "plot", Theirs: "plot.ipykernel", Budget: 100},
		{Group: "life", What: "delete a context", Unit: ms, Ours: "delete", Theirs: "delete.ipykernel"},
		{Group: "run", What: "1+1, new Daytona WebSocket, dial to close frame", Unit: ms, Ours: "run.daytona", Theirs: "run.ipykernel.new", Beside: "run.visit", Other: "bare echo", Budget: 2, Reference: 51},
		{Group: "run", What: "… of which send to control", Unit: ms, Ours: "run.daytona.control", Reference: 0.8},
		{Group: "run", What: "1+1, open native WebSocket", Unit: ms, Ours: "run.native", Theirs: "run.ipykernel", Beside: "run.echo", Other: "bare echo", Budget: 0.6},
		{Group: "row", What: "100 runs in a row, new Daytona WebSocket each", Unit: s, Ours: "row", Theirs: "row.ipykernel", Reference: 5.2},
		{Group: "output", What: "50 MB of output, native", Unit: report.Throughput, Ours: "flood.native", Theirs: "flood.ipykernel", Beside: "flood.copy", Other: "bare copy", Budget: 100, Reference: 53},
		{Group: "output", What: "50 MB of output, Daytona", Unit: report.Throughput, Ours: "flood.daytona", Theirs: "flood.ipykernel", Beside: "flood.copy", Other: "bare copy", Budget: 100, Reference: 53},
		{Group: "fleet", What: "50 contexts at once", Unit: s, Ours: "fleet.create", Theirs: "fleet.create.ipykernel", Budget: 1, Reference: 0.97},
		{Group: "fleet", What: "1,000 runs on them, new Daytona WebSocket each", Unit: report.Rate, Ours: "fleet.runs", Theirs: "fleet.runs.ipykernel", Reference: 890},
		{Group: "fleet", What: "1,000 runs on them, one native WebSocket", Unit: report.Rate, Ours: "fleet.native", Theirs: "fleet.runs.ipykernel"},
		{Group: "memory", What: "idle Python context, preloaded, one of 50 (PSS)", Unit: mb, Ours: "memory", Theirs: "memory.ipykernel", Budget: 8},
		{Group: "memory", What: "… the only one", Unit: mb, Ours: "memory.alone", Theirs: "memory.ipykernel"},
		{Group: "memory", What: "… server, template and all 50, divided by 50", Unit: mb, Ours: "memory.all", Theirs: "memory.ipykernel"},
		{Group: "memory", What: "idle Python context, nothing preloaded, one of 50", Unit: mb, Ours: "memory.bare", Theirs: "memory.ipykernel.bare", Reference: 5},
		{Group: "memory", What: "… the only one", Unit: mb, Ours: "memory.bare.alone", Theirs: "memory.ipykernel.bare"},
		{Group: "command", What: "shell command `true`", Unit: ms, Ours: "exec", Beside: "exec.sh", Other: shell, Budget: 2, Reference: 4.2},
		{Group: "command", What: "shell command `seq 1 2000000`", Unit: ms, Ours: "exec.seq", Beside: "exec.seq.sh", Other: shell, Budget: 150, Reference: 316},
		{Group: "command", What: "one-shot Python, `print(1)`", Unit: ms, Ours: "script", Beside: "script.python", Other: python, Budget: 10, Reference: 35},
		{Group: "command", What: "one-shot Python that imports pandas", Unit: ms, Ours: "script.pandas", Beside: "script.pandas.python", Other: python, Budget: 25},
		{Group: "session", What: "create a shell session", Unit: ms, Ours: "session.create", Beside: "exec.sh", Other: shell, Budget: 20, Reference: 4.7},
		{Group: "session", What: "`true` in a session", Unit: ms, Ours: "session.exec", Beside: "exec.sh", Other: shell, Budget: 3, Reference: 52},
		{Group: "session", What: "`seq 1 20000` in a session", Unit: ms, Ours: "session.seq", Beside: "session.seq.sh", Other: shell, Budget: 40, Reference: 309},
		{Group: "session", What: "delete a session", Unit: ms, Ours: "session.delete", Budget: 20, Reference: 142},
		{Group: "sandbox", What: "create a sandbox, to the end of its first command", Unit: ms, Ours: "sandbox.command", Budget: 50},
		{Group: "sandbox", What: "… to its first Python context", Unit: ms, Ours: "sandbox.context", Budget: 50},
		{Group: "other", What: "create TypeScript, to first result, not parked", Unit: ms, Ours: "create.typescript"},
		{Group: "other", What: "1+1 in TypeScript, open native WebSocket", Unit: ms, Ours: "run.typescript"},
		{Group: "other", What: "create Go, to first result, not parked", Unit: ms, Ours: "create.go"},
		{Group: "other", What: "1+1 in Go, open native WebSocket", Unit: ms, Ours: "run.go"},
	}
}
