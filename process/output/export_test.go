package output

// NewSmall is [New] with a bound on the memory, for tests of what would take long
// at its real size.
func NewSmall(dir string, half int64, memory int) *Kept {
	return &Kept{dir: dir, half: half, memory: memory}
}
