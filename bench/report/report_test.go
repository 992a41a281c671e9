package report_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/bench/report"
)

func TestSummarize(t *testing.T) {
	t.Parallel()
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for _, tc := range []struct {
		name   string
		values []float64
		higher bool
		want   report.Summary
	}{
		{"nothing", nil, false, report.Summary{}},
		{"one", []float64{7}, false, report.Summary{Count: 1, Median: 7, Worst: 7, Best: 7}},
		{"odd", []float64{3, 1, 2}, false, report.Summary{Count: 3, Median: 2, Worst: 3, Best: 1}},
		{"even", []float64{4, 1, 3, 2}, false, report.Summary{Count: 4, Median: 2.5, Worst: 4, Best: 1}},
		{"more is better", []float64{3, 1, 2}, true, report.Summary{Count: 3, Median: 2, Worst: 1, Best: 3}},
		{"hundred", hundred, false, report.Summary{Count: 100, Median: 50.5, Worst: 95, Best: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, report.Summarize(tc.values, tc.higher)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestSamplesBeginWhenOpened(t *testing.T) {
	t.Parallel()
	var s report.Samples
	s.Add("a", 100)
	s.Open()
	s.Add("a", 1, 2, 3)
	if got := s.Of("a", false); got.Count != 3 || got.Median != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	var s report.Samples
	s.Open()
	s.Add("fast", 2)
	s.Add("slow", 8)
	for _, tc := range []struct {
		name          string
		row           report.Row
		ratio         float64
		within, ahead report.Verdict
	}{
		{"kept", report.Row{Unit: "ms", Ours: "fast", Theirs: "slow", Budget: 2, Reference: 3}, 4, report.Yes, report.Yes},
		{"broken", report.Row{Unit: "ms", Ours: "slow", Theirs: "fast", Budget: 2, Reference: 9}, 0.25, report.No, report.Yes},
		{"more is better", report.Row{Unit: "MB/s", Ours: "slow", Theirs: "fast", Budget: 8, Reference: 9}, 4, report.Yes, report.No},
		{"not measured", report.Row{Unit: "ms", Ours: "none", Theirs: "fast", Budget: 2}, 0, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := report.Lines([]report.Row{tc.row}, &s)[0]
			if l.Ratio != tc.ratio || l.Within != tc.within || l.Ahead != tc.ahead {
				t.Errorf("got ratio %v within %q ahead %q", l.Ratio, l.Within, l.Ahead)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	var s report.Samples
	s.Open()
	s.Add("a", 0.5, 0.25, 12)
	s.Add("b", 1234)
	s.Add("c", 0.1)
	var b strings.Builder
	err := report.Write(&b, report.Lines([]report.Row{
		{What: "1+1", Unit: "ms", Ours: "a", Theirs: "b", Beside: "c", Other: "echo", Budget: 0.4, Reference: 51},
		{What: "not here", Unit: "s", Ours: "none"},
	}, &s))
	if err != nil {
		t.Fatal(err)
	}
	want := `
| what     | hotcell |     p95 |  n | ipykernel | ratio | beside       |  budget | within | Daytona* | ahead |
| -------- | ------: | ------: | -: | --------: | ----: | ------------ | ------: | ------ | -------: | ----- |
| 1+1      | 0.50 ms | 12.0 ms |  3 |   1234 ms | 2468× | 0.10 ms echo | 0.40 ms | NO     |  51.0 ms | yes   |
| not here |         |         |    |           |       |              |         |        |          |       |
`
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), b.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
