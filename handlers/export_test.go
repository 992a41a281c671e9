package handlers

import (
	"log/slog"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/keys"
)

// Endpoints lists the routes of both applications that are no middleware, as
// method and path, and says of each whether the table has it.
func (s *Server) Endpoints() map[string]bool {
	table, all := needs(), map[string]bool{}
	for _, app := range []*fiber.App{s.app, s.newE2B(s.requireKey)} {
		for _, route := range app.GetRoutes(true) {
			_, all[route.Method+" "+route.Path] = needOf(table, route.Method, route.Path)
		}
	}
	return all
}

// Explained is what a client is told of an error.
func Explained(err error) *fault.Fault {
	s := &Server{cfg: Config{Log: slog.New(slog.DiscardHandler)}}
	return s.faultOf(err)
}

// Listed are the table's rows.
func Listed() []string {
	rows := []string{}
	for row := range needs() {
		rows = append(rows, row)
	}
	return rows
}

// Needs is what the table says of a row.
func Needs(row string) (scope keys.Scope, free bool) {
	n := needs()[row]
	return n.scope, n.free
}
