// Package charts is the model of what is drawn in a figure, as data: read by the
// drivers from their languages' libraries, or here from the JSON of plotly,
// vega-lite and bokeh; and its translations into what the dialects' clients
// know. docs/charts.md describes the model.
//
// Everything here works on values: there are no goroutines and nothing is kept. What
// comes in may have been forged by user code, so [Decode] checks all of it.
package charts

// MIME is the type of a [Figure] in a bundle.
const MIME = "application/vnd.hotcell.chart+json"

// Figure is all that is shown at once.
type Figure struct {
	Source  string  `json:"source,omitempty"` // the library: matplotlib, plotly, vega, vega-lite, bokeh
	Title   string  `json:"title,omitempty"`
	Alt     string  `json:"alt,omitempty"` // one sentence that says what is shown
	PNG     string  `json:"png,omitempty"` // base64; in a bundle it has its own place
	SVG     string  `json:"svg,omitempty"`
	Axes    []*Axes `json:"axes"`
	Layout  *Layout `json:"layout,omitempty"`
	Omitted int     `json:"omitted,omitempty"` // axes beyond the bound
	Reason  string  `json:"reason,omitempty"`  // why it couldn't be read
}

// Layout says how the axes of a figure stand. Numbers are indices into Figure.Axes.
type Layout struct {
	Rows    int     `json:"rows,omitempty"`
	Columns int     `json:"columns,omitempty"`
	SharedX [][]int `json:"shared_x,omitempty"`
	SharedY [][]int `json:"shared_y,omitempty"`
	Twins   [][]int `json:"twins,omitempty"` // drawn over each other
}

// Kinds of [Axes].
const (
	Cartesian = "cartesian"
	Polar     = "polar" // x is the angle in radians, y the radius
	Spatial   = "3d"
	Geo       = "geo" // x is the longitude, y the latitude, as the library has them
)

// Axes is one coordinate system and what is drawn in it.
type Axes struct {
	Kind       string       `json:"kind"`
	Title      string       `json:"title,omitempty"`
	Row        *int         `json:"row,omitempty"` // in the layout's grid, from 0 at the top
	Column     *int         `json:"column,omitempty"`
	RowSpan    int          `json:"row_span,omitempty"`
	ColumnSpan int          `json:"column_span,omitempty"`
	X          *Axis        `json:"x,omitempty"`
	Y          *Axis        `json:"y,omitempty"`
	Z          *Axis        `json:"z,omitempty"`
	Series     []*Series    `json:"series"`
	Omitted    int          `json:"omitted,omitempty"` // series beyond the bound
	Lines      []Line       `json:"lines,omitempty"`   // of reference, across the whole axes
	Spans      []Span       `json:"spans,omitempty"`
	Legend     *Legend      `json:"legend,omitempty"`
	Colorbar   *Colorbar    `json:"colorbar,omitempty"`
	Texts      []Text       `json:"texts,omitempty"`
	Tables     [][][]string `json:"tables,omitempty"` // rows of cells
}

// Scales of an [Axis], besides the names that libraries have for others.
const (
	Linear      = "linear"
	Log         = "log"
	Datetime    = "datetime"
	Categorical = "categorical"
)

// Axis is one direction of [Axes]. Its scale says what coordinates are: on a
// datetime axis they are ISO 8601 (local time without an offset, or with one), on
// a categorical one they are names, else numbers.
type Axis struct {
	Label      string   `json:"label,omitempty"`
	Unit       string   `json:"unit,omitempty"` // what stands in brackets at the label's end
	Scale      string   `json:"scale,omitempty"`
	Categories []string `json:"categories,omitempty"` // in the order of the axis
	Ticks      Column   `json:"ticks,omitempty"`      // positions: dates, or numbers
	TickLabels []string `json:"tick_labels,omitempty"`
	Offset     string   `json:"offset,omitempty"` // what the tick labels are to be multiplied with or added to: "1e6"
	Limits     Column   `json:"limits,omitempty"` // the lower and the upper one
	Inverted   bool     `json:"inverted,omitempty"`
}

// Line is a line of reference. Orientation is horizontal, vertical or sloped.
type Line struct {
	Orientation string   `json:"orientation"`
	Value       Value    `json:"value"`
	At          Value    `json:"at,omitzero"` // sloped: value is y at this x
	Slope       *float64 `json:"slope,omitempty"`
	Label       string   `json:"label,omitempty"`
}

// Span is a band across the axes. A vertical one goes from one x to another.
type Span struct {
	Orientation string `json:"orientation"`
	From        Value  `json:"from"`
	To          Value  `json:"to"`
	Label       string `json:"label,omitempty"`
}

// Legend is what stands in the box of labels.
type Legend struct {
	Title   string   `json:"title,omitempty"`
	Entries []string `json:"entries,omitempty"`
}

// Colorbar is the scale of colours.
type Colorbar struct {
	Label      string   `json:"label,omitempty"`
	Limits     Column   `json:"limits,omitempty"`
	Ticks      Column   `json:"ticks,omitempty"`
	TickLabels []string `json:"tick_labels,omitempty"`
}

// Text is a note in the axes; without coordinates it stands beside the data.
type Text struct {
	Text string `json:"text"`
	X    Value  `json:"x,omitzero"`
	Y    Value  `json:"y,omitzero"`
}
