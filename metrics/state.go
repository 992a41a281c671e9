package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"hotcell/contexts"
	"hotcell/internal/activity"
	"hotcell/process/tools"
	"hotcell/runtimes"
)

// State is what is asked for its state whenever the figures are read. Sockets and
// Audit may be nil.
type State struct {
	Contexts *contexts.Set
	Table    *runtimes.Table
	Tools    *tools.Tools
	Sockets  func() map[string]int // open WebSockets of each dialect
	// Audit is how many entries the audit log was given, how many of them the queue
	// had no room for, and how many could not be written.
	Audit func() (taken, dropped, failed uint64)
}

// Watch adds the figures of a state. It is called once, when all of it is there.
func (m *Metrics) Watch(s State) { m.registry.MustRegister(newReader(s)) }

// reader reads the state.
type reader struct {
	State
	contexts, queued, parked, sockets *prometheus.Desc
	running, waiting, sessions, ttys  *prometheus.Desc
	auditTaken, auditLost             *prometheus.Desc
}

func newReader(s State) *reader {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &reader{
		State:      s,
		contexts:   desc("contexts", "Contexts that there are, by what they do.", "language", "state"),
		queued:     desc("queued_executions", "Executions that wait for their turn.", "language"),
		parked:     desc("parked_kernels", "Started kernels that nobody has yet.", "runtime"),
		sockets:    desc("websockets", "Open WebSockets.", "dialect"),
		running:    desc("running", "Commands, session commands and code that is run once, that run just now.", "kind"),
		waiting:    desc("queued_session_commands", "Session commands that wait for their turn."),
		sessions:   desc("sessions", "Shell sessions that there are."),
		ttys:       desc("terminals", "Terminals that there are."),
		auditTaken: desc("audit_entries_total", "Entries that the audit log was given."),
		auditLost:  desc("audit_entries_lost_total", "Entries that are not in the audit log: the queue was full, or writing failed.", "reason"),
	}
}

// Describe says which figures there can be.
func (r *reader) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		r.contexts, r.queued, r.parked, r.sockets, r.running, r.waiting, r.sessions, r.ttys, r.auditTaken, r.auditLost,
	} {
		out <- d
	}
}

// Collect reads them.
func (r *reader) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	r.collectContexts(gauge)
	for name, n := range r.Contexts.Parked() {
		gauge(r.parked, n, name)
	}
	sessions, running, waiting := r.Tools.Sessions.Count()
	gauge(r.running, r.Tools.Commands.Running(), "command")
	gauge(r.running, r.Tools.Scripts.Running(), "code_run")
	gauge(r.running, running, "session_command")
	gauge(r.waiting, waiting)
	gauge(r.sessions, sessions)
	gauge(r.ttys, r.Tools.Terminals.Count())
	if r.Sockets != nil {
		open := r.Sockets()
		for _, dialect := range []string{activity.Native, activity.Daytona, activity.E2B} { // there is no fourth
			gauge(r.sockets, open[dialect], dialect)
		}
	}
	if r.Audit != nil {
		taken, dropped, failed := r.Audit()
		counter := func(d *prometheus.Desc, n uint64, labels ...string) {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
		}
		counter(r.auditTaken, taken)
		counter(r.auditLost, dropped, "queue_full")
		counter(r.auditLost, failed, "write_failed")
	}
}

// collectContexts counts the contexts of each language, those too that have none.
func (r *reader) collectContexts(gauge func(*prometheus.Desc, int, ...string)) {
	counts := make(map[string]map[string]int)
	queued := make(map[string]int)
	for _, runtime := range r.Table.All() {
		for _, language := range runtime.Info().Languages {
			counts[language] = map[string]int{"idle": 0, "busy": 0, "dead": 0}
			queued[language] = 0
		}
	}
	for _, e := range r.Contexts.All() {
		s := e.Status()
		if counts[s.Language] == nil {
			continue
		}
		counts[s.Language][s.State]++
		queued[s.Language] += s.Queued
	}
	for language, states := range counts {
		for state, n := range states {
			gauge(r.contexts, n, language, state)
		}
		gauge(r.queued, queued[language], language)
	}
}
