package server

import (
	"log/slog"
	"time"
)

// progress logs how far long work has come, at most every progressEvery.
type progress struct {
	log  *slog.Logger
	what string
	unit string
	last time.Time
}

const progressEvery = 2 * time.Second

func newProgress(log *slog.Logger, what, unit string) *progress {
	return &progress{log: log, what: what, unit: unit, last: time.Now()}
}

// at notes that done of total is done; total <= 0: it is not known.
func (p *progress) at(done, total int64) {
	if time.Since(p.last) < progressEvery {
		return
	}
	p.last = time.Now()
	if total <= 0 {
		p.log.Info(p.what+" goes on", p.unit, done)
		return
	}
	p.log.Info(p.what+" goes on", p.unit, done, "of", total, "percent", 100*done/total)
}
