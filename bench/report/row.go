package report

import "fmt"

// Unit is what a row's values are.
type Unit string

// Units of rows.
const (
	Milliseconds Unit = "ms"
	Seconds      Unit = "s"
	Megabytes    Unit = "MB"     // 10⁶ bytes
	Throughput   Unit = "MB/s"   // 10⁶ bytes a second
	Rate         Unit = "runs/s" // finished runs a second
)

// higher says whether more is better.
func (u Unit) higher() bool { return u == Throughput || u == Rate }

// Row is a line of the table: what is measured, and what it is held against.
type Row struct {
	Group string // what -only chooses by, beside What
	What  string
	Unit  Unit

	Ours   string // names of samples
	Theirs string // of ipykernel, if it can do this
	Beside string // of something else that was measured
	Other  string // what that is: "bare echo"

	Budget    float64 // what the median has to keep; 0: none
	Reference float64 // Daytona's, measured elsewhere; 0: none
}

// Line is a row with its numbers.
type Line struct {
	Group     string  `json:"group"`
	What      string  `json:"what"`
	Unit      Unit    `json:"unit"`
	Ours      Summary `json:"hotcell"`
	Theirs    Summary `json:"ipykernel"`
	Beside    Summary `json:"beside"`
	Other     string  `json:"beside_is,omitempty"`
	Ratio     float64 `json:"ratio"` // how many times better than ipykernel; 0: unknown
	Budget    float64 `json:"budget,omitempty"`
	Within    Verdict `json:"within,omitempty"`
	Reference float64 `json:"daytona,omitempty"`
	Ahead     Verdict `json:"ahead,omitempty"` // of Daytona
}

// Verdict says whether a line keeps what it should. Empty: there is nothing to
// keep, or nothing was measured.
type Verdict string

// Verdicts.
const (
	Yes Verdict = "yes"
	No  Verdict = "NO"
)

// Lines fills rows with what was measured.
func Lines(rows []Row, s *Samples) []Line {
	lines := make([]Line, 0, len(rows))
	for _, r := range rows {
		up := r.Unit.higher()
		l := Line{
			Group: r.Group, What: r.What, Unit: r.Unit, Other: r.Other, Budget: r.Budget, Reference: r.Reference,
			Ours: s.Of(r.Ours, up), Theirs: s.Of(r.Theirs, up), Beside: s.Of(r.Beside, up),
		}
		l.Within, l.Ahead = verdict(l.Ours, r.Budget, up), verdict(l.Ours, r.Reference, up)
		if l.Ours.Median > 0 && l.Theirs.Median > 0 {
			l.Ratio = l.Theirs.Median / l.Ours.Median
			if up {
				l.Ratio = 1 / l.Ratio
			}
		}
		lines = append(lines, l)
	}
	return lines
}

func verdict(s Summary, limit float64, higher bool) Verdict {
	switch {
	case s.Count == 0 || limit == 0:
		return ""
	case s.Median <= limit && !higher, s.Median >= limit && higher:
		return Yes
	default:
		return No
	}
}

// Over counts the lines that keep their budget not, or are behind Daytona.
func Over(lines []Line) int {
	n := 0
	for _, l := range lines {
		if l.Within == No || l.Ahead == No {
			n++
		}
	}
	return n
}

// number writes a value with three digits that mean something.
func number(v float64, u Unit) string {
	if v == 0 {
		return ""
	}
	digits := 2
	switch {
	case v >= 100:
		digits = 0
	case v >= 10:
		digits = 1
	}
	return fmt.Sprintf("%.*f %s", digits, v, u)
}

func times(ratio float64) string {
	switch {
	case ratio == 0:
		return ""
	case ratio >= 10:
		return fmt.Sprintf("%.0f×", ratio)
	default:
		return fmt.Sprintf("%.1f×", ratio)
	}
}
