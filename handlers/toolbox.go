package handlers

import (
	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/daytona/commands"
	"hotcell/handlers/daytona/files"
	"hotcell/handlers/daytona/scripts"
	"hotcell/handlers/daytona/sessions"
	"hotcell/handlers/daytona/terminals"
	"hotcell/process/machine"
)

// parts are what the toolbox has beside the interpreter.
func (s *Server) parts(rooms workspaces) []func(fiber.Router) {
	return []func(fiber.Router){
		commands.Mount(commands.Deps{
			Commands: s.cfg.Tools.Commands, Sandboxes: s.cfg.Sandboxes, Gauge: machine.NewGauge(),
			Place: rooms.Place, SandboxOf: sandboxOf, Explain: s.explain,
		}),
		scripts.Mount(scripts.Config{
			Runs: s.cfg.Tools.Scripts, Place: rooms.Place, Language: rooms.ScriptLanguage, SandboxOf: sandboxOf, Log: s.cfg.Log,
		}),
		sessions.Routes(sessions.Deps{
			Sessions: s.cfg.Tools.Sessions, Sockets: s.sockets, SandboxOf: sandboxOf, Place: rooms.Place, Version: s.cfg.Version,
		}),
		terminals.New(terminals.Config{
			Terminals: s.cfg.Tools.Terminals, Sockets: s.sockets,
			SandboxOf: sandboxOf, Place: rooms.Place, Explain: s.explain,
		}).Mount,
		files.New(files.Config{
			Rooms: s.cfg.Tools.Files, Place: rooms.Place, SandboxOf: sandboxOf, Explain: s.explain,
			Stall: s.cfg.Stall, Log: s.cfg.Log,
		}).Mount,
	}
}
