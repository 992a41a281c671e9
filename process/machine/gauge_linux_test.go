package machine_test

import (
	"testing"

	"hotcell/process/machine"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	g := machine.NewGauge()
	l, err := g.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if l.CPUs < 1 || l.CPUUsed < 0 || l.CPUUsed > 100 || l.At.IsZero() ||
		l.MemTotal < 1<<20 || l.MemUsed == 0 || l.MemUsed > l.MemTotal || l.MemCache > l.MemTotal ||
		l.DiskTotal == 0 || l.DiskUsed+l.DiskFree > l.DiskTotal {
		t.Errorf("%+v", l)
	}
	if _, err := g.Load("/nope"); err == nil {
		t.Error("a file system that isn't there has a size")
	}
}
