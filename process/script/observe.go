package script

import (
	"errors"
	"time"

	"hotcell/internal/activity"
)

// Running is how many programs run.
func (r *Runs) Running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, run := range r.slots {
		if run != nil {
			n++
		}
	}
	return n
}

// tell reports the end of a program.
func (r *Runs) tell(sandbox, language string, began time.Time, req Request, result Result, err error) {
	if r.cfg.Did == nil {
		return
	}
	record := activity.Record{
		Kind: activity.CodeRun, Action: "run", Origin: req.Origin, Sandbox: sandbox, Language: language,
		Began: began, Took: time.Since(began), In: int64(len(req.Code)), Code: req.Code,
	}
	var cut *CutError
	switch {
	case err == nil:
		record.Outcome, record.Exit = activity.OfExit(result.ExitCode), &result.ExitCode
		record.Stdout = int64(len(result.Output))
	case errors.As(err, &cut):
		record.Outcome, record.Reason, record.Stdout = activity.Ended, cut.Cause.Error(), int64(len(cut.Output))
		if errors.Is(err, ErrTimeout) {
			record.Outcome = activity.TimedOut
		}
	default:
		record.Outcome = activity.NotStarted
	}
	r.cfg.Did(record)
}
