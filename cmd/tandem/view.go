package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/tandemkv/tandem/internal/status"
)

// answer is what one node said.
type answer struct {
	Addr   string         `json:"addr"`
	Report *status.Report `json:"report,omitempty"`
	Error  string         `json:"error,omitempty"`
}

// view is the pair, put together from answers.
type view struct {
	Pair       string   `json:"pair"`
	Master     string   `json:"master"` // empty: nobody says that it is the master
	Epoch      uint64   `json:"epoch"`
	Policy     string   `json:"policy"`
	Durability string   `json:"durability"`
	InSync     []string `json:"in_sync"`
	LeaseMS    int64    `json:"lease_ms"`
	Switchover string   `json:"switchover,omitempty"`
	// Masters holds more than one id while a fenced or a lost master has not learned better.
	Masters []string       `json:"masters"`
	Voters  []status.Voter `json:"voters"`
	Notes   []string       `json:"notes,omitempty"`
	Answers []answer       `json:"answers"`
}

func (a *access) ask(ctx context.Context, addr string) answer {
	out := answer{Addr: addr}
	c, err := a.dial(ctx, addr)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	defer c.close()
	text, err := c.do(replyTimeout, "TANDEM", "STATUS")
	if err != nil {
		out.Error = err.Error()
		return out
	}
	var r status.Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		out.Error = "its description of the pair is not understood: " + err.Error()
		return out
	}
	out.Report = &r
	return out
}

// askAll asks the given nodes, and then those that they name.
func (a *access) askAll(ctx context.Context) []answer {
	answers := a.askEach(ctx, a.addrs)
	known := map[string]bool{}
	nodes := map[string]bool{}
	for _, one := range answers {
		known[one.Addr] = true
		if one.Report != nil {
			nodes[one.Report.Node] = true
		}
	}
	var more []string
	for _, one := range answers {
		if one.Report == nil {
			continue
		}
		for _, v := range one.Report.Voters {
			if v.Addr != "" && !known[v.Addr] && !nodes[v.ID] {
				known[v.Addr], nodes[v.ID] = true, true
				more = append(more, v.Addr)
			}
		}
	}
	return append(answers, a.askEach(ctx, more)...)
}

func (a *access) askEach(ctx context.Context, addrs []string) []answer {
	answers := make([]answer, len(addrs))
	var wait sync.WaitGroup
	for i, addr := range addrs {
		wait.Go(func() { answers[i] = a.ask(ctx, addr) })
	}
	wait.Wait()
	return answers
}

// errNobody is returned when no node has answered.
var errNobody = errors.New("no node answers")

// look asks and puts together.
func (a *access) look(ctx context.Context) (view, error) {
	v := combine(a.askAll(ctx))
	if v.Pair != "" {
		return v, nil
	}
	err := errNobody
	for _, one := range v.Answers {
		err = fmt.Errorf("%w; %s: %s", err, one.Addr, one.Error)
	}
	return v, err
}

// combine believes the master about the pair, and each node about itself.
func combine(answers []answer) view {
	v := view{Answers: answers, Masters: []string{}, InSync: []string{}, Voters: []status.Voter{}}
	main := chief(answers)
	if main == nil {
		return v
	}
	v.Pair, v.Policy, v.Epoch = main.Pair, main.Policy, main.Epoch
	v.Durability, v.LeaseMS, v.Switchover = main.Durability, main.LeaseMS, main.Switchover
	v.InSync = append(v.InSync, main.InSync...)
	v.Voters = append(v.Voters, main.Voters...)
	for _, one := range answers {
		r := one.Report
		if r == nil {
			v.Notes = append(v.Notes, one.Addr+" does not answer: "+one.Error)
			continue
		}
		if r.Pair != main.Pair {
			v.Notes = append(v.Notes, fmt.Sprintf("%s belongs to another pair, %q", one.Addr, r.Pair))
			continue
		}
		if r.Role == "master" {
			v.Masters = append(v.Masters, r.Node)
		}
		if r.Waiting != "" {
			v.Notes = append(v.Notes, r.Node+" waits: "+r.Waiting)
		}
		v.believe(*r)
	}
	if main.Role == "master" {
		v.Master = main.Node
	}
	switch {
	case v.Master == "":
		v.Notes = append(v.Notes, "there is no master at present")
	case len(v.Masters) > 1:
		v.Notes = append(v.Notes, fmt.Sprintf("more than one node believes it is the master: %v", v.Masters))
	}
	return v
}

// chief is the report to go by: the master's with the highest epoch, else the highest epoch of all.
func chief(answers []answer) *status.Report {
	var best *status.Report
	for _, one := range answers {
		r := one.Report
		if r == nil {
			continue
		}
		if best == nil || (r.Role == "master") != (best.Role == "master") && r.Role == "master" ||
			(r.Role == "master") == (best.Role == "master") && r.Epoch > best.Epoch {
			best = r
		}
	}
	return best
}

// believe takes over what a node says about itself. How far it lags only the master knows.
func (v *view) believe(r status.Report) {
	for _, own := range r.Voters {
		if own.ID != r.Node {
			continue
		}
		for i := range v.Voters {
			if to := &v.Voters[i]; to.ID == r.Node {
				own.LagBytes, own.LagSeconds, own.LastHeardMS = to.LagBytes, to.LagSeconds, to.LastHeardMS
				*to = own
			}
		}
	}
}
