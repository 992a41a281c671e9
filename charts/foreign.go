package charts

import "encoding/json"

func readPlotly(json.RawMessage) (*Figure, error)   { return nil, nil }
func readVegaLite(json.RawMessage) (*Figure, error) { return nil, nil }
func readVega(json.RawMessage) (*Figure, error)     { return nil, nil }
func readBokeh(json.RawMessage) (*Figure, error)    { return nil, nil }
