package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

const barWidth = 30

// that logs are not filled.
type bar struct {
	w     io.Writer
	title string
	total int
}

func newBar(w io.Writer, title string, total int) *bar {
	b := &bar{w: w, title: title, total: max(total, 1)}
	if !isTerminal(w) {
		b.w = io.Discard
	}
	b.set(0)
	return b
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// set draws the bar at done of total.
func (b *bar) set(done int) {
	done = min(max(done, 0), b.total)
	full := barWidth * done / b.total
	fmt.Fprintf(b.w, "\r%s [%s%s] %3d %%", b.title, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*done/b.total)
}

// end leaves the line.
func (b *bar) end() { fmt.Fprintln(b.w) }
