package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tandemkv/tandem/internal/status"
)

// clearScreen moves to the top left and forgets what was below.
const clearScreen = "\x1b[H\x1b[J"

func runStatus(ctx context.Context, s streams, args []string) error {
	var a access
	f := newFlags(s, "status", "[--addr host:port]... [--json] [--watch]")
	a.flags(f)
	asJSON := f.Bool("json", false, "print everything as JSON")
	watch := f.Bool("watch", false, "print again every second, until interrupted")
	if err := errors.Join(parse(f, args), a.complete(s)); err != nil {
		return err
	}
	for {
		v, err := a.look(ctx)
		if !*watch {
			return errors.Join(show(s.out, v, *asJSON), err)
		}
		if err := showAgain(s.out, v, err, *asJSON); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// showAgain replaces what is on the screen; JSON goes line by line. Nobody answering is shown, and no reason to end.
func showAgain(w io.Writer, v view, lookErr error, asJSON bool) error {
	var page bytes.Buffer
	if !asJSON {
		page.WriteString(clearScreen)
		fmt.Fprintln(&page, time.Now().Format(time.TimeOnly))
	}
	if err := show(&page, v, asJSON); err != nil {
		return err
	}
	if lookErr != nil && !asJSON {
		fmt.Fprintln(&page, lookErr)
	}
	_, err := w.Write(page.Bytes())
	return err
}

func show(w io.Writer, v view, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(v)
	}
	if v.Pair == "" {
		return nil
	}
	fmt.Fprintf(w, "pair %s   epoch %d   policy %s   durability %s   in sync: %s   lease: %s\n\n",
		v.Pair, v.Epoch, v.Policy, v.Durability, orDash(strings.Join(v.InSync, " ")), lease(v))
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tROLE\tPORT\tRW\tRO\tPOSITION\tLAG\tHEARD\tHEALTH")
	for _, one := range v.Voters {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", one.ID, one.Role, orDash(one.Addr), orDash(one.RW), orDash(one.RO),
			position(one), lagText(one, v.Master), heard(one), one.Health)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if v.Switchover != "" {
		fmt.Fprintln(w, "\nswitchover:", v.Switchover)
	}
	for i, note := range v.Notes {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, note)
	}
	return nil
}

func lease(v view) string {
	switch {
	case v.Master == "":
		return "-"
	case v.LeaseMS < 0:
		return "not needed"
	}
	return fmt.Sprintf("%d ms left", v.LeaseMS)
}

func position(v status.Voter) string {
	if v.Witness {
		return "-"
	}
	return fmt.Sprintf("%d:%d", v.Position.Epoch, v.Position.Offset)
}

func lagText(v status.Voter, master string) string {
	switch {
	case v.Witness || v.ID == master || master == "":
		return "-"
	case v.LagSeconds >= 0:
		return fmt.Sprintf("%s, %.1f s", size(v.LagBytes), v.LagSeconds)
	}
	return size(v.LagBytes)
}

func heard(v status.Voter) string {
	switch {
	case v.LastHeardMS < 0:
		return "never"
	case v.LastHeardMS < 10_000:
		return fmt.Sprintf("%d ms", v.LastHeardMS)
	}
	return (time.Duration(v.LastHeardMS) * time.Millisecond).Round(time.Second).String()
}

func size(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KB", n>>10)
	case n < 10<<30:
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d GB", n>>30)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
