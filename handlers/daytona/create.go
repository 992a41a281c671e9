package daytona

import (
	"cmp"
	"encoding/json"
	"math"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/handlers/request"
	"hotcell/interpreter"
	"hotcell/sandboxes"
)

// createBody is what the SDKs send. Numbers may be fractional.
type createBody struct {
	Name                string            `json:"name"`
	Snapshot            string            `json:"snapshot"`
	User                string            `json:"user"`
	Target              string            `json:"target"`
	Env                 map[string]string `json:"env"`
	Labels              map[string]string `json:"labels"`
	Public              bool              `json:"public"`
	NetworkBlockAll     bool              `json:"networkBlockAll"`
	NetworkAllowList    string            `json:"networkAllowList"`
	DomainAllowList     string            `json:"domainAllowList"`
	OutboundProxyURL    string            `json:"outboundProxyUrl"`
	CPU                 float64           `json:"cpu"`
	GPU                 float64           `json:"gpu"`
	Memory              float64           `json:"memory"`
	Disk                float64           `json:"disk"`
	AutoStopInterval    *float64          `json:"autoStopInterval"`
	AutoPauseInterval   *float64          `json:"autoPauseInterval"`
	AutoArchiveInterval *float64          `json:"autoArchiveInterval"`
	AutoDeleteInterval  *float64          `json:"autoDeleteInterval"`
	TTLMinutes          *float64          `json:"ttlMinutes"`
	Volumes             []json.RawMessage `json:"volumes"`
	Secrets             []json.RawMessage `json:"secrets"`
	BuildInfo           json.RawMessage   `json:"buildInfo"`
	LinkedSandbox       string            `json:"linkedSandbox"`
	KVM                 bool              `json:"kvm"`
}

// refuse names what was asked for and cannot be had: better than a sandbox
// that silently lacks it.
func (b *createBody) refuse() error {
	switch {
	case !isNull(b.BuildInfo):
		return fault.BadRequest("images cannot be built: hotcell runs sandboxes on its own machine's software; create the sandbox without image or buildInfo")
	case len(b.Volumes) > 0:
		return fault.BadRequest("volumes are not supported")
	case len(b.Secrets) > 0:
		return fault.BadRequest("vault secrets are not supported: use env")
	case b.LinkedSandbox != "":
		return fault.BadRequest("linked sandboxes are not supported")
	case b.GPU > 0, b.KVM:
		return fault.BadRequest("GPUs and KVM are not supported")
	case b.NetworkBlockAll, b.NetworkAllowList != "", b.DomainAllowList != "", b.OutboundProxyURL != "":
		return fault.BadRequest("network restrictions are not supported: the sandbox would not be restricted")
	}
	return nil
}

func (d *dialect) createSandbox(c *fiber.Ctx) error {
	var b createBody
	if err := request.Body(c, &b); err != nil {
		return err
	}
	if err := b.refuse(); err != nil {
		return err
	}
	spec, err := b.spec()
	if err != nil {
		return err
	}
	if spec.Labels, err = d.checkLabels(spec.Labels); err != nil {
		return err
	}
	if err := interpreter.CheckEnv(spec.Env); err != nil {
		return err
	}
	sb, err := d.Sandboxes.Create(spec)
	return d.answer(c, sb, err)
}

func (b *createBody) spec() (sandboxes.Spec, error) {
	spec := sandboxes.Spec{
		Name:     b.Name,
		Snapshot: b.Snapshot,
		User:     b.User,
		Target:   b.Target,
		Env:      b.Env,
		Labels:   b.Labels,
		Public:   b.Public,
	}
	spec.AutoDelete = -1
	for _, n := range []struct {
		name string
		from *float64
		into *int
	}{
		{"cpu", &b.CPU, &spec.CPU},
		{"memory", &b.Memory, &spec.Memory},
		{"disk", &b.Disk, &spec.Disk},
		{"autoStopInterval", b.AutoStopInterval, &spec.AutoStop},
		{"autoPauseInterval", b.AutoPauseInterval, &spec.AutoPause},
		{"autoArchiveInterval", b.AutoArchiveInterval, &spec.AutoArchive},
		{"autoDeleteInterval", b.AutoDeleteInterval, &spec.AutoDelete},
		{"ttlMinutes", b.TTLMinutes, &spec.TTL},
	} {
		if n.from == nil {
			continue
		}
		if math.Abs(*n.from) > math.MaxInt32 {
			return spec, fault.BadRequest("%s is out of range: %g", n.name, *n.from)
		}
		*n.into = int(math.Ceil(*n.from))
	}
	if spec.CPU < 0 || spec.Memory < 0 || spec.Disk < 0 {
		return spec, fault.BadRequest("cpu, memory and disk must not be negative")
	}
	const gib = 1 << 30
	spec.Limits = sandboxes.Limits{Memory: int64(b.Memory * gib), CPU: b.CPU, Disk: int64(b.Disk * gib)}
	// What is shown when nothing was asked for; none of it is a limit.
	spec.User = cmp.Or(spec.User, "hotcell")
	spec.Target = cmp.Or(spec.Target, "local")
	spec.CPU, spec.Memory, spec.Disk = cmp.Or(spec.CPU, 1), cmp.Or(spec.Memory, 1), cmp.Or(spec.Disk, 3)
	spec.AutoDelete = max(spec.AutoDelete, -1)
	return spec, nil
}

// checkLabels puts the language's proper name into its labels. A sandbox whose
// language nothing can run would only be found out at its first use.
func (d *dialect) checkLabels(labels map[string]string) (map[string]string, error) {
	for _, label := range []string{LanguageLabel, OwnLanguageLabel} {
		language, ok := labels[label]
		if !ok {
			continue
		}
		_, proper, err := d.Table.Lookup(language)
		if err != nil {
			return nil, err
		}
		labels[label] = proper
	}
	return labels, nil
}
