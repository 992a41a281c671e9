//go:build !linux

package isolation

import (
	"cmp"
	"context"
	"errors"

	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/process"
)

// Set is the jails of a server, of which there are none here.
type Set struct{}

// New refuses everything but no isolation, and what lets itself be talked into it.
func New(_ context.Context, cfg Config) (*Set, error) {
	cfg.Mode, cfg.Network = cmp.Or(cfg.Mode, jail.None), cmp.Or(cfg.Network, jail.Host)
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Mode != Auto && cfg.Mode != jail.None || cfg.Network != jail.Host {
		return nil, errors.New("isolation takes Linux")
	}
	return &Set{}, nil
}

// Status says so.
func (s *Set) Status() Status {
	return Status{Mode: jail.None, Network: jail.Host, Reason: "isolation takes Linux"}
}

// Within is nothing.
func (s *Set) Within(context.Context, Sandbox) (child.Jail, process.Inside, error) {
	return nil, process.Inside{}, nil
}

// Keep has nothing to make.
func (s *Set) Keep(int, Berths) {}

// Take has nothing to give.
func (s *Set) Take() (Sandbox, bool) { return Sandbox{}, false }

// End has nothing to end.
func (s *Set) End(context.Context, string) error { return nil }

// Close has nothing to close.
func (s *Set) Close() {}
