// Package metrics makes figures for Prometheus of what the other parts of a server
// tell: through their Observe structs and the records of package activity as
// things happen, and by being asked when the figures are read. It alone knows
// Prometheus; each server has a registry of its own.
//
// Labels have few values, all of which are ours: never an id, an address, or a
// text of a client's or of code's.
//
// The package has no goroutines.
package metrics

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"hotcell/contexts"
	"hotcell/internal/activity"
	"hotcell/internal/wire"
	"hotcell/interpreter"
)

// Metrics are the figures of one server.
type Metrics struct {
	registry *prometheus.Registry

	executions *prometheus.CounterVec
	queued     *prometheus.HistogramVec
	ran        *prometheus.HistogramVec
	first      *prometheus.HistogramVec
	ready      *prometheus.HistogramVec
	pool       *prometheus.CounterVec
	starts     *prometheus.CounterVec
	deaths     *prometheus.CounterVec
	interrupts *prometheus.CounterVec
	output     *prometheus.CounterVec
	spilled    *prometheus.CounterVec
	evicted    prometheus.Counter
	freed      prometheus.Counter
	runs       *prometheus.CounterVec
	took       *prometheus.HistogramVec
	changes    *prometheus.CounterVec
	refused    *prometheus.CounterVec
	limits     *prometheus.CounterVec
	requests   *prometheus.CounterVec
}

// New makes the figures of a server. They are all zero.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.executions = m.counter("executions_total", "Executions that have ended, by how.", "language", "dialect", "outcome")
	m.queued = m.histogram("execution_queue_seconds", "How long executions waited for their turn.", "language")
	m.ran = m.histogram("execution_run_seconds", "How long executions ran, from their turn to their last event.", "language")
	m.first = m.histogram("execution_first_event_seconds", "From an execution's turn to the first thing that it put out.", "language")
	m.ready = m.histogram("context_ready_seconds", "From the request for a context until it took code, by where its kernel came from.", "language", "kernel")
	m.pool = m.counter("pool_requests_total", "Kernels that were wanted, by whether a parked one was there (hit) or had to be started (miss).", "runtime", "result")
	m.starts = m.counter("kernel_starts_total", "Kernels that contexts were given, by why. Each raises the context's epoch.", "language", "reason")
	m.deaths = m.counter("kernel_deaths_total", "Kernels that ended without somebody having asked for it, by cause.", "language", "cause")
	m.interrupts = m.counter("interrupts_total", "Steps that were taken to end executions: the first, second and third interrupt, and the kill.", "step")
	m.output = m.counter("output_bytes_total", "Bytes of output, of contexts as they come, of everything else at its end.", "kind", "stream")
	m.spilled = m.counter("spilled_bytes_total", "Bytes of events that were written to disk until the end of what produced them.", "kind")
	m.evicted = m.plain("evicted_executions_total", "Executions whose events are kept no more, since newer ones needed the room.")
	m.freed = m.plain("evicted_bytes_total", "Bytes of the events of those executions.")
	m.runs = m.counter("runs_total", "Commands, session commands, code that is run once, and terminals that have ended, by how.", "kind", "dialect", "outcome")
	m.took = m.histogram("run_seconds", "How long they ran.", "kind")
	m.changes = m.counter("changes_total", "Changes of files, sandboxes, sessions and terminals by requests.", "kind", "action", "outcome")
	m.refused = m.counter("logins_refused_total", "Requests that were not let in, and event streams.", "dialect")
	m.limits = m.counter("limits_hit_total", "Limits that were reached, by which.", "kind")
	m.requests = m.counter("http_requests_total", "HTTP requests that were answered, by the pattern of their route. A WebSocket counts when it opens.", "method", "route", "status")
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say which build this is.",
	}, []string{"version", "goversion"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "hotcell"

// The registry is our own and empty, so that registering can only fail for a
// fault of this package's, which every test meets.

func (m *Metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) plain(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help,
		// From what 1+1 takes to what somebody lets run over lunch.
		Buckets: []float64{.0002, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
	}, labels)
	m.registry.MustRegister(h)
	return h
}

// Text is all figures, in the format that Prometheus reads, and its media type.
func (m *Metrics) Text() (text []byte, contentType string, err error) {
	families, err := m.registry.Gather()
	if err != nil {
		return nil, "", fmt.Errorf("gather the figures: %w", err)
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	var buf bytes.Buffer
	encoder := expfmt.NewEncoder(&buf, format)
	for _, f := range families {
		if err := encoder.Encode(f); err != nil {
			return nil, "", fmt.Errorf("write the figures: %w", err)
		}
	}
	return buf.Bytes(), string(format), nil
}

// Did counts what was done.
func (m *Metrics) Did(r activity.Record) {
	dialect := r.Origin.Dialect
	if dialect == "" {
		dialect = "none" // the server itself
	}
	kind := string(r.Kind)
	switch r.Kind {
	case activity.Execution:
		m.executions.WithLabelValues(r.Language, dialect, r.Outcome).Inc()
		m.queued.WithLabelValues(r.Language).Observe(r.Waited.Seconds())
		if r.Took > 0 {
			m.ran.WithLabelValues(r.Language).Observe(r.Took.Seconds())
		}
		if r.First > 0 {
			m.first.WithLabelValues(r.Language).Observe(r.First.Seconds())
		}
	case activity.Command, activity.SessionCommand, activity.CodeRun:
		m.ended(r, dialect)
	case activity.Login:
		m.refused.WithLabelValues(dialect).Inc()
	case activity.Terminal:
		if r.Action == "end" {
			m.ended(r, dialect)
			break
		}
		m.changes.WithLabelValues(kind, r.Action, r.Outcome).Inc()
	default:
		m.changes.WithLabelValues(kind, r.Action, r.Outcome).Inc()
	}
	if r.Limit != "" {
		m.Limit(r.Limit)
	}
	if r.Spilled > 0 {
		m.spilled.WithLabelValues(kind).Add(float64(r.Spilled))
	}
}

func (m *Metrics) ended(r activity.Record, dialect string) {
	kind := string(r.Kind)
	m.runs.WithLabelValues(kind, dialect, r.Outcome).Inc()
	if r.Took > 0 {
		m.took.WithLabelValues(kind).Observe(r.Took.Seconds())
	}
	if r.Stdout > 0 {
		m.output.WithLabelValues(kind, string(wire.EventStdout)).Add(float64(r.Stdout))
	}
	if r.Stderr > 0 {
		m.output.WithLabelValues(kind, string(wire.EventStderr)).Add(float64(r.Stderr))
	}
}

// Limit counts a limit that was reached. kind is a word of ours, such as
// queue_full or memory.
func (m *Metrics) Limit(kind string) { m.limits.WithLabelValues(kind).Inc() }

// Request counts a request that was answered.
func (m *Metrics) Request(method, route string, status int) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
}

// Contexts is what contexts are told to tell.
func (m *Metrics) Contexts() contexts.Observe {
	stdout := m.output.WithLabelValues("context", string(wire.EventStdout))
	stderr := m.output.WithLabelValues("context", string(wire.EventStderr))
	return contexts.Observe{
		Observe: interpreter.Observe{
			Did: m.Did,
			Output: func(stream wire.EventType, bytes int) {
				if stream == wire.EventStderr {
					stderr.Add(float64(bytes))
				} else {
					stdout.Add(float64(bytes))
				}
			},
			Started:   func(language, why string) { m.starts.WithLabelValues(language, why).Inc() },
			Died:      func(language, cause string) { m.deaths.WithLabelValues(language, cause).Inc() },
			Interrupt: func(step string) { m.interrupts.WithLabelValues(step).Inc() },
			Limit:     m.Limit,
		},
		Taken: func(runtime string, parked bool) {
			m.pool.WithLabelValues(runtime, word(parked, "hit", "miss")).Inc()
		},
		Ready: func(language string, parked bool, took time.Duration) {
			m.ready.WithLabelValues(language, word(parked, "parked", "started")).Observe(took.Seconds())
		},
	}
}

// Evicted counts a log that is kept no more.
func (m *Metrics) Evicted(kind string, bytes int64) {
	if kind == interpreter.KindExecution {
		m.evicted.Inc()
		m.freed.Add(float64(bytes))
	}
}

func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
