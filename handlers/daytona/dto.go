package daytona

import (
	"maps"
	"time"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/request"
	"hotcell/sandboxes"
)

// sandboxBody is a sandbox as the SDKs read it. The generated Go and Python
// clients refuse an object in which a member without omitempty is missing,
// null, or of another type; cpu to disk must be whole numbers.
type sandboxBody struct {
	ID                  string            `json:"id"`
	OrganizationID      string            `json:"organizationId"`
	Name                string            `json:"name"`
	User                string            `json:"user"`
	Target              string            `json:"target"`
	ToolboxProxyURL     string            `json:"toolboxProxyUrl"`
	Env                 map[string]string `json:"env"`
	Labels              map[string]string `json:"labels"`
	Public              bool              `json:"public"`
	NetworkBlockAll     bool              `json:"networkBlockAll"`
	KVM                 bool              `json:"kvm"`
	Spot                bool              `json:"spot"`
	CPU                 int               `json:"cpu"`
	GPU                 int               `json:"gpu"`
	Memory              int               `json:"memory"`
	Disk                int               `json:"disk"`
	State               string            `json:"state"`
	DesiredState        string            `json:"desiredState"`
	Snapshot            string            `json:"snapshot,omitempty"`
	AutoStopInterval    int               `json:"autoStopInterval"`
	AutoPauseInterval   int               `json:"autoPauseInterval"`
	AutoArchiveInterval int               `json:"autoArchiveInterval"`
	AutoDeleteInterval  int               `json:"autoDeleteInterval"`
	AutoDestroyAt       string            `json:"autoDestroyAt,omitempty"`
	CreatedAt           string            `json:"createdAt"`
	UpdatedAt           string            `json:"updatedAt"`
	LastActivityAt      string            `json:"lastActivityAt"`
	SandboxClass        string            `json:"sandboxClass"`
	DaemonVersion       string            `json:"daemonVersion"`
}

// organization is what every sandbox belongs to: there is one.
const organization = "hotcell"

// show renders a sandbox for a client that reaches the server at base.
func (d *dialect) show(sb sandboxes.Sandbox, base string) sandboxBody {
	b := sandboxBody{
		ID:                  sb.ID,
		OrganizationID:      organization,
		Name:                sb.Name,
		User:                sb.User,
		Target:              sb.Target,
		ToolboxProxyURL:     base + "/toolbox",
		Env:                 maps.Clone(sb.Env),
		Labels:              maps.Clone(sb.Labels),
		Public:              sb.Public,
		NetworkBlockAll:     sb.NetworkBlockAll,
		CPU:                 sb.CPU,
		GPU:                 sb.GPU,
		Memory:              sb.Memory,
		Disk:                sb.Disk,
		State:               string(sb.State),
		DesiredState:        string(sb.State),
		Snapshot:            sb.Snapshot,
		AutoStopInterval:    sb.AutoStop,
		AutoPauseInterval:   sb.AutoPause,
		AutoArchiveInterval: sb.AutoArchive,
		AutoDeleteInterval:  sb.AutoDelete,
		CreatedAt:           request.Stamp(sb.Created),
		UpdatedAt:           request.Stamp(sb.Updated),
		LastActivityAt:      request.Stamp(sb.LastActivity),
		SandboxClass:        "container",
		DaemonVersion:       d.Version,
	}
	if sb.TTL > 0 {
		b.AutoDestroyAt = request.Stamp(sb.Created.Add(time.Duration(sb.TTL) * time.Minute))
	}
	if b.Env == nil {
		b.Env = map[string]string{}
	}
	if b.Labels == nil {
		b.Labels = map[string]string{}
	}
	return b
}

// answer sends a sandbox, or the error instead of it.
func (d *dialect) answer(c *fiber.Ctx, sb sandboxes.Sandbox, err error) error {
	if err != nil {
		return err
	}
	request.About(c, sb.ID)
	return c.JSON(d.show(sb, d.BaseURL(c)))
}
