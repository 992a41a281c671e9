package cli

import (
	"context"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// newLogger logs for people on a terminal and for programs elsewhere, unless
// told otherwise. Format and level were checked by the grammar.
func newLogger(format, level string, w io.Writer) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: least}
	if format == "text" || format == "auto" && isTerminal(w) {
		opts.ReplaceAttr = shortTime
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// shortTime leaves the date out: whoever watches a terminal knows it.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05.000"))
	}
	return a
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// levelAtLeast passes on what is at least of a level.
type levelAtLeast struct {
	slog.Handler
	least slog.Level
}

// Enabled says whether a record of the level is passed on.
func (h levelAtLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.least && h.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the bound on what is derived.
func (h levelAtLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelAtLeast{h.Handler.WithAttrs(attrs), h.least}
}

// WithGroup keeps the bound on what is derived.
func (h levelAtLeast) WithGroup(name string) slog.Handler {
	return levelAtLeast{h.Handler.WithGroup(name), h.least}
}
