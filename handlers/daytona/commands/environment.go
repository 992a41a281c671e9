package commands

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/request"
	"hotcell/process"
)

// env changes the variables of the sandbox, which later processes and contexts
// are given, and answers with all of them.
func (d *dialect) env(c *fiber.Ctx) error {
	var raw struct {
		Set, Unset, UnsetValuePrefix json.RawMessage
	}
	if err := request.Body(c, &raw); err != nil {
		return err
	}
	set, err := variables("set", raw.Set)
	if err != nil {
		return err
	}
	if err := process.CheckEnv(set); err != nil {
		return err
	}
	unset, err := list("unset", raw.Unset)
	if err != nil {
		return err
	}
	prefix, err := words("unsetValuePrefix", raw.UnsetValuePrefix)
	if err != nil {
		return err
	}
	place, err := d.Place(d.SandboxOf(c))
	if err != nil {
		return err
	}
	sb, err := d.Sandboxes.SetEnv(c.UserContext(), place.Sandbox, func(env map[string]string) {
		maps.DeleteFunc(env, func(name, value string) bool {
			// An empty prefix, which every value has, means that none was given.
			return slices.Contains(unset, name) || prefix != "" && strings.HasPrefix(value, prefix)
		})
		maps.Copy(env, set)
	})
	if err != nil {
		return err
	}
	return c.JSON(sb.Env)
}

// initialize is what Daytona's own platform calls for a fresh sandbox. There is
// nothing to do: a sandbox is ready when it is there.
func (d *dialect) initialize(c *fiber.Ctx) error {
	if _, err := d.Place(d.SandboxOf(c)); err != nil {
		return err
	}
	return c.JSON(fiber.Map{"message": "the sandbox is ready"})
}

// load is the machine's as the SDKs read it; sizes are bytes.
type load struct {
	CPUCount      int     `json:"cpuCount"`
	CPUUsed       float64 `json:"cpuUsedPct"`
	MemTotal      uint64  `json:"memTotal"`
	MemUsed       uint64  `json:"memUsed"`
	MemCache      uint64  `json:"memCache"`
	DiskTotal     uint64  `json:"diskTotal"`
	DiskUsed      uint64  `json:"diskUsed"`
	DiskFree      uint64  `json:"diskFree"`
	Timestamp     string  `json:"timestamp"`
	TimestampUnix int64   `json:"timestampUnix"`
}

func (d *dialect) metrics(c *fiber.Ctx) error {
	place, err := d.Place(d.SandboxOf(c))
	if err != nil {
		return err
	}
	l, err := d.Gauge.Load(place.Dir)
	if err != nil {
		return err
	}
	return c.JSON(load{
		CPUCount: l.CPUs, CPUUsed: l.CPUUsed, MemTotal: l.MemTotal, MemUsed: l.MemUsed, MemCache: l.MemCache,
		DiskTotal: l.DiskTotal, DiskUsed: l.DiskUsed, DiskFree: l.DiskFree,
		Timestamp: l.At.UTC().Format(time.RFC3339Nano), TimestampUnix: l.At.Unix(),
	})
}
