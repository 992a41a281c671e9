package terminals_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"

	"hotcell/handlers/daytona/terminals"
	"hotcell/process"
	"hotcell/process/terminal"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// TestSandboxStopsMeanwhile: its end has found nothing to end yet, so the one
// who makes the terminal ends it.
func TestSandboxStopsMeanwhile(t *testing.T) {
	t.Parallel()
	set := terminal.NewSet(terminal.Config{})
	t.Cleanup(set.Close)
	asked := 0
	app := fiber.New()
	terminals.New(terminals.Config{
		Terminals: set,
		SandboxOf: func(*fiber.Ctx) string { return "box" },
		Place: func(string) (process.Place, error) {
			if asked++; asked > 1 {
				return process.Place{}, errors.New("it was stopped")
			}
			return process.Place{Sandbox: "box", Dir: t.TempDir(), Env: map[string]string{"HOME": t.TempDir()}}, nil
		},
	}).Mount(app)
	resp, err := app.Test(httptest.NewRequest(http.MethodPost, "/process/pty", strings.NewReader(`{"id":"x"}`)), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusInternalServerError || asked != 2 {
		t.Errorf("status %d, asked %d times", resp.StatusCode, asked)
	}
	if list := set.List("box"); len(list) > 0 {
		t.Errorf("%d terminals are left", len(list))
	}
}
