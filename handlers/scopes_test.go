package handlers_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hotcell/handlers"
)

// TestEveryRouteHasAScope: who adds a route says in the table who may use it,
// and who takes one away takes its row too.
func TestEveryRouteHasAScope(t *testing.T) {
	t.Parallel()
	s, _, served := serve(t, 0)
	routes := s.Endpoints()
	if len(routes) < 100 {
		t.Errorf("only %d routes were found", len(routes))
	}
	for route, listed := range routes {
		if !listed {
			t.Errorf("%s has no row in the table of scopes", route)
		}
	}
	for _, row := range handlers.Listed() {
		_, there := routes[row]
		if path, any := strings.CutPrefix(row, "* "); any {
			there = slices.ContainsFunc([]string{"GET ", "POST ", "DELETE "}, func(m string) bool {
				_, ok := routes[m+path]
				return ok
			})
		}
		if !there {
			t.Errorf("no route is %s, which the table of scopes has", row)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil && !errors.Is(err, handlers.ErrShutdown) {
		t.Error(err)
	}
}
