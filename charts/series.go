package charts

// Kinds of [Series].
const (
	KindLine      = "line"
	KindStep      = "step"
	KindArea      = "area"
	KindScatter   = "scatter"
	KindBar       = "bar"
	KindHistogram = "histogram"
	KindErrorbar  = "errorbar"
	KindPie       = "pie"
	KindBox       = "box"
	KindViolin    = "violin"
	KindHeatmap   = "heatmap"
	KindHexbin    = "hexbin"
	KindImage     = "image"
	KindContour   = "contour"
	KindQuiver    = "quiver"
	KindStem      = "stem"
	KindEvent     = "event"
	KindSegments  = "segments"
	KindSurface   = "surface"
	KindWireframe = "wireframe"
	KindBar3D     = "bar3d"
	KindUnknown   = "unknown"
)

// Orientations, of bars for example, and ways in which series stand to each other.
const (
	Vertical   = "vertical"
	Horizontal = "horizontal"
	Sloped     = "sloped"

	Single  = "single"
	Grouped = "grouped"
	Stacked = "stacked"
)

// Series is data that belongs together. docs/charts.md says which kind has
// which members; columns of one series are equally long.
type Series struct {
	Kind  string `json:"kind"`
	Label string `json:"label,omitempty"`

	Count         int    `json:"count,omitempty"`          // of points, bars, wedges … that were drawn
	DecimatedFrom int    `json:"decimated_from,omitempty"` // Count, when the columns hold fewer
	Nulls         int    `json:"nulls,omitempty"`          // numbers that were NaN or infinite, and are null
	Reason        string `json:"reason,omitempty"`         // unknown: why

	Orientation string `json:"orientation,omitempty"`
	Arrangement string `json:"arrangement,omitempty"`
	Where       string `json:"where,omitempty"`     // step: pre, mid, post
	Connected   *bool  `json:"connected,omitempty"` // errorbar: whether a line joins the points
	Filled      *bool  `json:"filled,omitempty"`    // contour

	X    Column `json:"x,omitempty"`
	Y    Column `json:"y,omitempty"`
	Z    Column `json:"z,omitempty"`
	XEnd Column `json:"x_end,omitempty"`
	YEnd Column `json:"y_end,omitempty"`
	ZEnd Column `json:"z_end,omitempty"`
	U    Column `json:"u,omitempty"`
	V    Column `json:"v,omitempty"`
	DX   Column `json:"dx,omitempty"`
	DY   Column `json:"dy,omitempty"`
	DZ   Column `json:"dz,omitempty"`

	Category Column  `json:"category,omitempty"`
	Value    Column  `json:"value,omitempty"`
	Base     Column  `json:"base,omitempty"` // one for each, or one for all
	Width    Column  `json:"width,omitempty"`
	Start    Column  `json:"start,omitempty"` // bars from one date to another
	End      Column  `json:"end,omitempty"`
	Errors   *Errors `json:"errors,omitempty"`

	Edges   Column `json:"edges,omitempty"` // histogram: one more than counts
	Counts  Column `json:"counts,omitempty"`
	Density *bool  `json:"density,omitempty"`

	Sizes       Column `json:"sizes,omitempty"`
	ColorValues Column `json:"color_values,omitempty"`
	ColorMap    string `json:"color_map,omitempty"`
	ColorLimits Column `json:"color_limits,omitempty"`

	Wedges     []Wedge  `json:"wedges,omitempty"`
	DonutWidth *float64 `json:"donut_width,omitempty"`
	Boxes      []Box    `json:"boxes,omitempty"`
	Violins    []Violin `json:"violins,omitempty"`

	Rows        int        `json:"rows,omitempty"` // of a grid, as it was drawn
	Columns     int        `json:"columns,omitempty"`
	XEdges      Column     `json:"x_edges,omitempty"`
	YEdges      Column     `json:"y_edges,omitempty"`
	XCategories []string   `json:"x_categories,omitempty"`
	YCategories []string   `json:"y_categories,omitempty"`
	Values      []Column   `json:"values,omitempty"` // by row, in the order of y_edges
	Annotations [][]string `json:"annotations,omitempty"`

	Levels Column `json:"levels,omitempty"`
	Paths  []Path `json:"paths,omitempty"`

	Offset *float64 `json:"offset,omitempty"` // event
	Length *float64 `json:"length,omitempty"`
}

// Errors are the lengths of error bars, below (or to the left) and above, of each point.
type Errors struct {
	X *Bounds `json:"x,omitempty"`
	Y *Bounds `json:"y,omitempty"`
}

// Bounds are lengths on both sides of values.
type Bounds struct {
	Low  Column `json:"low"`
	High Column `json:"high"`
}

// Wedge is a part of a pie.
type Wedge struct {
	Label    string   `json:"label"`
	Value    *float64 `json:"value,omitempty"` // where the library keeps it
	Fraction *float64 `json:"fraction,omitempty"`
	Angle    float64  `json:"angle"`           // degrees
	Start    float64  `json:"start,omitempty"` // degrees, counterclockwise from the right
	Radius   float64  `json:"radius"`
	Exploded float64  `json:"exploded,omitempty"` // how far it is moved out
	Text     string   `json:"text,omitempty"`     // what is written on it
}

// Box is one box of a box plot. Its whiskers end at min and max.
type Box struct {
	Label         string   `json:"label"`
	Position      Value    `json:"position"`
	Min           *float64 `json:"min"`
	FirstQuartile *float64 `json:"first_quartile"`
	Median        *float64 `json:"median"`
	ThirdQuartile *float64 `json:"third_quartile"`
	Max           *float64 `json:"max"`
	Mean          *float64 `json:"mean,omitempty"`
	Outliers      Column   `json:"outliers"`
	OutliersFrom  int      `json:"outliers_from,omitempty"` // how many there were, when not all are here
}

// Violin is one violin: its width at each of its values, as it was drawn.
type Violin struct {
	Label     string   `json:"label"`
	Position  Value    `json:"position"`
	At        Column   `json:"at"`
	Density   Column   `json:"density"`
	Min       *float64 `json:"min,omitempty"`
	Max       *float64 `json:"max,omitempty"`
	Mean      *float64 `json:"mean,omitempty"`
	Median    *float64 `json:"median,omitempty"`
	Middle    *float64 `json:"middle,omitempty"` // a mean or a median, nothing says which
	Quartiles Column   `json:"quartiles,omitempty"`
	Whiskers  Column   `json:"whiskers,omitempty"`
}

// Path is a line or the rim of an area of one level.
type Path struct {
	Level *float64 `json:"level,omitempty"`
	X     Column   `json:"x"`
	Y     Column   `json:"y"`
}
