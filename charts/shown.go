package charts

import (
	"encoding/json"
	"fmt"

	"hotcell/internal/wire"
)

// Shown is [Complete] for whoever has nobody to tell of an error: a bundle whose
// chart is none comes back as it is. What is in it may have been forged, so a
// fault in reading it costs the chart and nothing else.
func Shown(b wire.Bundle) (whole wire.Bundle) {
	defer func() {
		if recover() != nil {
			whole = b
		}
	}()
	whole, err := Complete(b)
	if err != nil {
		return b
	}
	return whole
}

// ShownE2B reads what a bundle shows as a chart: in E2B's form, and as the model
// itself. Both are nil when there is none, or none that can be read.
func ShownE2B(b wire.Bundle) (chart, figure json.RawMessage) {
	defer func() {
		if recover() != nil {
			chart, figure = nil, nil
		}
	}()
	f, err := FromBundle(b)
	if f == nil || err != nil {
		return nil, nil
	}
	if chart, err = E2B(f); err != nil {
		return nil, nil
	}
	return chart, b[MIME]
}

// ShownFigure is [FromBundle], likewise: nil when there is no chart, or none that can be read.
func ShownFigure(b wire.Bundle) (f *Figure) {
	defer func() {
		if recover() != nil {
			f = nil
		}
	}()
	f, err := FromBundle(b)
	if err != nil {
		return nil
	}
	return f
}

// ShownDaytona reads what a bundle shows as a chart in Daytona's form. Where there
// is none, or none that can be read, it is one of unknown type with the picture:
// the error says why.
func ShownDaytona(b wire.Bundle) (chart json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			chart, err = pictureOnly(b), fmt.Errorf("read a chart: %v", p)
		}
	}()
	f, err := FromBundle(b)
	if f == nil || err != nil {
		return pictureOnly(b), err
	}
	if chart, err = Daytona(f); err != nil {
		return pictureOnly(b), err
	}
	return chart, nil
}

// pictureOnly is a chart of a picture that nothing is known of.
func pictureOnly(b wire.Bundle) json.RawMessage {
	raw, err := json.Marshal(daytonaChart{Type: typeUnknown, PNG: textOf(b["image/png"]), Elements: []any{}})
	if err != nil { // strings can always be encoded
		return json.RawMessage(`{"type":"unknown","elements":[]}`)
	}
	return raw
}
