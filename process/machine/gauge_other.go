//go:build !linux

package machine

// Gauge knows nothing here.
type Gauge struct{}

// NewGauge returns one.
func NewGauge() *Gauge { return &Gauge{} }

// Load is [ErrUnknown].
func (*Gauge) Load(string) (Load, error) { return Load{}, ErrUnknown }
