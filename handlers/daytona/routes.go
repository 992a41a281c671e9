package daytona

import "github.com/gofiber/fiber/v2"

func (d *dialect) mountEvents(fiber.Router) {}
func (d *dialect) control(fiber.Router)     {}
func (d *dialect) toolbox(fiber.Router)     {}
func (d *dialect) atRoot(fiber.Router)      {}
