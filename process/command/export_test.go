package command

// For tests of what would take long at its real size.

// NewKept is a small Kept.
func NewKept(dir string, half int64, memory int) *Kept {
	return &Kept{dir: dir, half: half, memory: memory}
}

// Codec is codec.
type Codec = codec
