package python_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/runtimes/python"
)

const tableType = "application/vnd.hotcell.table+json"

// table is the data of what a cell gives.
func table(t *testing.T, k *kernel, code string) map[string]any {
	t.Helper()
	m := k.ok(code).first(wire.MsgResult)
	if text(m, "text/plain") == "" || text(m, "text/html") == "" && m.Bundle["text/html"] != nil {
		t.Errorf("%s: the other formats are gone: %v", code, m.Bundle)
	}
	var out map[string]any
	if err := json.Unmarshal(m.Bundle[tableType], &out); err != nil {
		t.Fatalf("%s: %v: %.200s", code, err, m.Bundle[tableType])
	}
	return out
}

type object = map[string]any

type list = []any

// TestTables reads the frames of the newest pandas, and of the one before.
func TestTables(t *testing.T) {
	t.Parallel()
	t.Run("newest", func(t *testing.T) {
		t.Parallel()
		tables(t, configured(t))
	})
	t.Run("oldest", func(t *testing.T) {
		t.Parallel()
		tables(t, configuredBy(t, "HOTCELL_OLDEST_PYTHON", "../../.venv-oldest/bin/python"))
	})
}

func tables(t *testing.T, k *kernel) {
	t.Helper()
	k.ok("import pandas as pd, numpy as np, datetime as dt, decimal")
	for _, c := range []struct {
		name, code string
		data       object
	}{
		{
			"numbers", `pd.DataFrame({'i': [1, -2], 'f': [1.5, np.nan], 'inf': [np.inf, -np.inf], 'b': [True, False]})`,
			object{"i": list{1.0, -2.0}, "f": list{1.5, nil}, "inf": list{nil, nil}, "b": list{true, false}},
		},
		{
			"missing", `pd.DataFrame({'n': pd.array([1, None], dtype='Int64'), 's': ['a', None], 'na': [pd.NA, pd.NaT]})`,
			object{"n": list{1.0, nil}, "s": list{"a", nil}, "na": list{nil, nil}},
		},
		{
			"dates", `pd.DataFrame({'t': pd.to_datetime(['2024-01-02 03:04', 'NaT']), 'z': pd.to_datetime(['2024-01-02', '2024-07-02']).tz_localize('UTC'),
'd': [dt.date(2024, 1, 2), dt.time(1, 2)], 'td': [dt.timedelta(days=1), None], 'p': pd.period_range('2024-01', periods=2, freq='M')})`,
			object{
				"t": list{"2024-01-02T03:04:00", nil}, "z": list{"2024-01-02T00:00:00+00:00", "2024-07-02T00:00:00+00:00"},
				"d": list{"2024-01-02", "01:02:00"}, "td": list{"P1DT0H0M0S", nil}, "p": list{"2024-01", "2024-02"},
			},
		},
		{
			"objects", `pd.DataFrame({'c': pd.Categorical(['x', 'y']), 'b': [b'\x00\xff', b''], 'd': [decimal.Decimal('1.10'), 1], 'o': [{'k': [np.float64('inf'), {1}]}, np.array([1, 2])]})`,
			object{"c": list{"x", "y"}, "b": list{"AP8=", ""}, "d": list{"1.10", 1.0}, "o": list{object{"k": list{nil, list{1.0}}}, list{1.0, 2.0}}},
		},
		{
			"the same name twice", `pd.DataFrame([[1, 2, 3]], columns=['a', 'a', 'a.1'])`,
			object{"a": list{1.0}, "a.2": list{2.0}, "a.1": list{3.0}},
		},
		{
			"levels of names", `pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([('a', 'x'), ('b', 2)]))`,
			object{"a_x": list{1.0}, "b_2": list{2.0}},
		},
		{"names that are none", `pd.DataFrame({1: [1], dt.date(2024, 1, 2): [2]})`, object{"1": list{1.0}, "2024-01-02": list{2.0}}},
		{"a series", `pd.Series([1, 2], name='v')`, object{"v": list{1.0, 2.0}}},
		{"a series without a name", `pd.Series(['x'])`, object{"value": list{"x"}}},
		{"nothing", `pd.DataFrame()`, object{}},
	} {
		if d := cmp.Diff(c.data, table(t, k, c.code)["data"]); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	got := table(t, k, `pd.DataFrame({'v': [1., 2.]}, index=pd.MultiIndex.from_tuples([(1, 'p'), (2, 'q')], names=['n', None]))`)
	want := object{
		"shape": list{2.0, 1.0}, "rows": 2.0, "data": object{"v": list{1.0, 2.0}},
		"columns": list{object{"name": "v", "type": "float64"}},
		"index":   list{object{"name": "n", "type": "int64", "values": list{1.0, 2.0}}, object{"name": "", "type": "str", "values": list{"p", "q"}}},
	}
	if k.ok("pd.__version__ < '3'").result() == "True" {
		want["index"].(list)[1].(object)["type"] = "object"
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLargeTables(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok("import pandas as pd, numpy as np")
	for _, c := range []struct {
		code          string
		rows, columns float64 // as they are
		sent          float64
	}{
		{"pd.DataFrame({'x': np.arange(10_000_000)})", 1e7, 1, 10_000},
		{"pd.DataFrame(np.zeros((3000, 2000)))", 3000, 2000, 174},
		{"pd.DataFrame({'x': ['y' * 1000] * 5000})", 5000, 1, 2072},
		{"pd.DataFrame({'x': ['y', 'y' * 10_000_000]})", 2, 1, 1},
		{"pd.DataFrame({'x': [np.zeros(1_000_000)]})", 1, 1, 1},
		{"pd.Series(np.arange(20_000))", 20_000, 1, 10_000},
	} {
		m := k.ok(c.code).first(wire.MsgResult)
		var got struct {
			Shape     [2]float64
			Rows      float64
			Data      map[string]list
			Truncated bool
		}
		if err := json.Unmarshal(m.Bundle[tableType], &got); err != nil || len(m.Bundle[tableType]) > 3<<20 {
			t.Fatalf("%s: %d bytes, %v", c.code, len(m.Bundle[tableType]), err)
		}
		if got.Shape != [2]float64{c.rows, c.columns} || got.Rows != c.sent || got.Truncated != (c.sent < c.rows || c.columns > 1000) {
			t.Errorf("%s: %v, %v rows, truncated: %t", c.code, got.Shape, got.Rows, got.Truncated)
		}
		for name, values := range got.Data {
			if float64(len(values)) != got.Rows {
				t.Errorf("%s: column %s has %d values", c.code, name, len(values))
			}
		}
	}
}

// configuredBy is a kernel of another interpreter: the one that the variable
// names, or the usual one.
func configuredBy(t *testing.T, variable, usual string) *kernel {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		program = usual
	}
	r := python.New(python.Config{Program: program, Preload: []string{}})
	t.Cleanup(func() { _ = r.Close() })
	k := startOf(t, r, runtimes.Spec{})
	k.configure(wire.Request{Cwd: t.TempDir()})
	return k
}

func TestPolars(t *testing.T) {
	t.Parallel()
	k := configuredBy(t, "HOTCELL_TEST_PYTHON", "../../.venv-test/bin/python")
	k.ok("import polars as pl, datetime as dt, decimal")
	got := table(t, k, `pl.DataFrame({'a': [1, None], 'f': [1.0, float('nan')], 's': ['a', None], 'l': [[1, 2], []], 'st': [{'q': 1}, {'q': None}],
't': [dt.datetime(2024, 1, 2), None], 'd': [dt.date(2024, 1, 2), None], 'td': [dt.timedelta(days=1, seconds=1.5), None],
'b': [b'a', None], 'dec': [decimal.Decimal('1.10'), None], 'bo': [True, None]})`)
	want := object{
		"a": list{1.0, nil}, "f": list{1.0, nil}, "s": list{"a", nil}, "l": list{list{1.0, 2.0}, list{}}, "st": list{object{"q": 1.0}, object{"q": nil}},
		"t": list{"2024-01-02T00:00:00", nil}, "d": list{"2024-01-02", nil}, "td": list{"PT86401.5S", nil},
		"b": list{"YQ==", nil}, "dec": list{"1.10", nil}, "bo": list{true, nil},
	}
	if d := cmp.Diff(want, got["data"]); d != "" {
		t.Error(d)
	}
	got = table(t, k, "pl.Series('z', range(20_000))")
	if data, ok := got["data"].(object)["z"].(list); !ok || len(data) != 10_000 || got["truncated"] != true {
		t.Errorf("%v rows", got["rows"])
	}
}

// A format that goes wrong takes nothing else along.
func TestFormatsThatRaise(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok("import pandas as pd\nclass Odd(pd.DataFrame):\n  @property\n  def iloc(self): raise KeyError('odd')\n  def _repr_html_(self): return '<p>'\n  def __repr__(self): return 'odd'")
	m := k.ok("Odd({'a': [1]})").first(wire.MsgResult)
	if text(m, "text/plain") != "odd" || text(m, "text/html") != "<p>" || string(m.Bundle[tableType]) != `{"rows":0,"fault":"KeyError: 'odd'"}` {
		t.Errorf("%s", m.Bundle)
	}
	k.ok("class Html:\n  def _repr_html_(self): raise KeyError('html')\n  def __repr__(self): return 'text'\nclass Repr:\n  def __repr__(self): raise KeyError('repr')\nclass Bundle:\n  def _repr_mimebundle_(self, **_): raise KeyError('bundle')\n  def __repr__(self): return 'text'")
	for code, want := range map[string]string{"Html()": "text", "Bundle()": "text", "Repr()": "its repr raised>"} {
		r := k.execute(code)
		got := text(r.first(wire.MsgResult), "text/plain")
		if len(got) < len(want) || got[len(got)-len(want):] != want || r.first(wire.MsgError).Name != "KeyError" {
			t.Errorf("%s: %q, %v", code, got, r.order)
		}
	}
}
