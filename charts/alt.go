package charts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxAlt is how long the sentence may be: it is read aloud.
const maxAlt = 400

// describe fills in the sentence that says what is shown.
func (f *Figure) describe() {
	var shown []string
	for _, a := range f.Axes {
		if a.drawn() {
			shown = append(shown, a.sentence())
		}
	}
	var alt string
	switch {
	case len(shown) == 0 && f.Reason != "":
		alt = "A figure that could not be read"
	case len(shown) == 0:
		alt = "An empty figure"
	case len(shown) == 1:
		alt = capital(shown[0])
	default:
		alt = fmt.Sprintf("%d charts: %s", len(shown), strings.Join(shown, "; "))
	}
	if f.Title != "" {
		alt = quoted(f.Title) + ": " + alt
	}
	if runes := []rune(alt); len(runes) > maxAlt {
		alt = string(runes[:maxAlt-1]) + "…"
	}
	f.Alt = alt + "."
}

// sentence is one axes: `a line chart "Sales" of price over day, 2 series (a, b), 31 points`.
func (a *Axes) sentence() string {
	var b strings.Builder
	b.WriteString(article(a.what()))
	if a.Title != "" {
		b.WriteString(" " + quoted(a.Title))
	}
	x, y := axisLabel(a.X), axisLabel(a.Y)
	switch {
	case x != "" && y != "":
		fmt.Fprintf(&b, " of %s over %s", y, x)
	case y != "":
		b.WriteString(" of " + y)
	case x != "":
		b.WriteString(" over " + x)
	}
	var labels []string
	count := 0
	for _, s := range a.Series {
		if s.Label != "" && !slices.Contains(labels, s.Label) {
			labels = append(labels, s.Label)
		}
		count += s.Count
	}
	if n := len(a.Series); n > 1 {
		fmt.Fprintf(&b, ", %d series", n)
	}
	if len(labels) > 5 {
		labels = append(labels[:5], "…")
	}
	if len(labels) > 0 {
		b.WriteString(" (" + strings.Join(labels, ", ") + ")")
	}
	if count > 0 {
		fmt.Fprintf(&b, ", %s", counted(count, a.unit()))
	}
	return b.String()
}

// what names the kinds that are drawn, each once.
func (a *Axes) what() string {
	names := map[string]string{
		KindBar: "bar chart", KindPie: "pie chart", KindLine: "line chart", KindScatter: "scatter plot", KindBox: "box plot",
		KindArea: "area chart", KindStep: "step chart", KindErrorbar: "chart with error bars", KindViolin: "violin plot",
		KindHexbin: "hexagon plot", KindContour: "contour plot", KindQuiver: "vector field", KindStem: "stem plot",
		KindEvent: "event plot", KindSegments: "line segment plot", KindBar3D: "bar chart", KindUnknown: "drawing",
	}
	var found []string
	for _, s := range a.Series {
		name := names[s.Kind]
		if name == "" {
			name = s.Kind
		}
		if !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		if len(a.Tables) > 0 {
			return "table"
		}
		return "drawing"
	}
	what := strings.Join(found, " and ")
	switch a.Kind {
	case Spatial:
		return "three-dimensional " + what
	case Polar:
		return "polar " + what
	default:
		return what
	}
}

func (a *Axes) unit() string {
	units := map[string]string{
		KindBar: "bar", KindPie: "wedge", KindBox: "box", KindViolin: "violin", KindHistogram: "bin", KindHeatmap: "cell",
		KindEvent: "event", KindQuiver: "arrow", KindContour: "path", KindHexbin: "hexagon", KindSegments: "segment",
	}
	unit := ""
	for _, s := range a.Series {
		own := units[s.Kind]
		if own == "" {
			own = "point"
		}
		if unit != "" && unit != own {
			return "item"
		}
		unit = own
	}
	return unit
}

func counted(n int, unit string) string {
	switch {
	case n == 1:
	case unit == "box":
		unit = "boxes"
	default:
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

func axisLabel(a *Axis) string {
	if a == nil {
		return ""
	}
	return a.Label
}

func article(what string) string {
	if strings.ContainsAny(what[:1], "aeiou") {
		return "an " + what
	}
	return "a " + what
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func quoted(s string) string { return "“" + s + "”" }
