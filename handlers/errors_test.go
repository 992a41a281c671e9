package handlers_test

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"hotcell/handlers"
	"hotcell/sandboxes/limits"
)

// TestUnavailableDisk is no fault of ours that hides its words.
func TestUnavailableDisk(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("make the sandbox's directory ready: %w", fmt.Errorf("%w: mount it: %w", limits.ErrDisk, syscall.ENXIO))
	if f := handlers.Explained(err); f.Status != http.StatusServiceUnavailable || f.Code != "DISK_UNAVAILABLE" || f.Message != err.Error() {
		t.Errorf("%+v", f)
	}
}
